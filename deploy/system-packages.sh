#!/usr/bin/env bash
# Installs the system packages of the named groups that are missing, with apt.
#   server   what the services need: ffmpeg, nats-server
#   client   what the tests' gRPC client needs: Python's grpcio
#   camera   what the demo's and the tests' RTSP cameras need: GStreamer's RTSP server and its Python bindings
#   clock    what the tests of clocks that are set need: libfaketime
#   mqtt     what the tests of the MQTT bridge need: mosquitto, openssl
#   monitoring  what the tests of rules and dashboards need: Prometheus and promtool
#   browser  what the tests of the web console need: Chromium and a font for it
#   proxy    what the tests of the proxies in deploy/proxy need: nginx, Caddy
set -euo pipefail

missing=()
lacks() { ! command -v "$1" >/dev/null 2>&1; }

for group in "$@"; do
  case "$group" in
    server)
      if [ -z "${FFMPEG_PATH:-}" ] && lacks ffmpeg; then missing+=(ffmpeg); fi
      if lacks nats-server; then missing+=(nats-server); fi
      ;;
    client)
      /usr/bin/python3 -c 'import grpc, google.protobuf' >/dev/null 2>&1 || missing+=(python3-grpcio python3-protobuf)
      ;;
    camera)
      if ! /usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0")' >/dev/null 2>&1; then
        missing+=(python3-gi gir1.2-gst-rtsp-server-1.0)
      fi
      shopt -s nullglob
      plugins=(/usr/lib/*/gstreamer-1.0/)
      for need in isomp4:good rtp:good videoparsersbad:bad app:base; do
        found=("${plugins[@]/%/libgst${need%%:*}.so}")
        [ "${#plugins[@]}" -gt 0 ] && [ -e "${found[0]}" ] || missing+=("gstreamer1.0-plugins-${need##*:}")
      done
      ;;
    clock)
      shopt -s nullglob
      libraries=(/usr/lib/*/faketime/libfaketimeMT.so.1)
      [ "${#libraries[@]}" -gt 0 ] || missing+=(libfaketime)
      ;;
    mqtt)
      # Debian keeps the broker in sbin, which need not be in a user's PATH.
      if lacks mosquitto && [ ! -x /usr/sbin/mosquitto ]; then missing+=(mosquitto); fi
      if lacks openssl; then missing+=(openssl); fi
      ;;
    monitoring)
      if lacks prometheus || lacks promtool; then missing+=(prometheus); fi
      ;;
    browser)
      if [ -z "${CHROMIUM_PATH:-}" ] && lacks chromium; then missing+=(chromium fonts-dejavu-core); fi
      ;;
    proxy)
      # As with the broker, not in every PATH.
      if lacks nginx && [ ! -x /usr/sbin/nginx ]; then missing+=(nginx-light); fi
      if lacks caddy; then missing+=(caddy); fi
      ;;
    *)
      echo "system-packages: no group '$group'" >&2
      exit 2
      ;;
  esac
done
[ "${#missing[@]}" -eq 0 ] && exit 0

mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
command -v apt-get >/dev/null || { echo "sightline: please install: ${missing[*]} (there is no apt-get here)" >&2; exit 1; }
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "sightline: as root, please run: apt-get install ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "sightline: installing ${missing[*]}" >&2
log=$(mktemp)
if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -20 "$log" >&2
  echo "sightline: could not install ${missing[*]}" >&2
  exit 1
fi
rm -f "$log"
