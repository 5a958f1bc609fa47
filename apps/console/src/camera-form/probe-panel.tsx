import { useSignal } from "@preact/signals";
import type { HttpProbe } from "@sightline/contracts";
import { useLayoutEffect, useRef } from "preact/hooks";
import { probe } from "../api/calls.ts";
import { describeFailure } from "../api/request.ts";
import { StatusIcon } from "../shell/status-icon.tsx";
import { reasonName, sentence, title } from "../words/names.ts";
import { formatFps } from "../words/numbers-and-times.ts";
import type { FormValues } from "./form-values.ts";

/** Result of testing an address. */
export interface Trial {
  result: HttpProbe;
}

interface Props {
  uri: string;
  /** Empty: no separate stream is recorded. */
  recordUri: string;
  transport: FormValues["transport"];
  videoTrack: FormValues["videoTrack"];
  /** Why the address cannot be tested; empty when it can. */
  fault: string;
  /** Called when a test is requested although the address cannot be tested. */
  onFault: () => void;
  /** Called with each result, and with undefined when the address has changed since. */
  onTrial: (trial: Trial | undefined) => void;
}

/** Asks the server to connect to the address, and shows what the camera sends before anything is saved. */
export function ProbePanel({
  uri,
  recordUri,
  transport,
  videoTrack,
  fault: formFault,
  onFault,
  onTrial,
}: Props) {
  const busy = useSignal(false);
  const result = useSignal<HttpProbe | undefined>(undefined);
  /** Result for the stream to be recorded. */
  const recorded = useSignal<HttpProbe | undefined>(undefined);
  const fault = useSignal("");
  const asking = useRef<AbortController | undefined>(undefined);

  // Immediately: later it would end a probe of the new address.
  useLayoutEffect(() => {
    result.value = undefined;
    recorded.value = undefined;
    fault.value = "";
    onTrial(undefined);
    return () => asking.current?.abort();
  }, [uri, recordUri, transport, videoTrack]);

  const ask = async () => {
    if (formFault !== "") {
      onFault();
      return;
    }
    const aborted = new AbortController();
    asking.current = aborted;
    busy.value = true;
    result.value = undefined;
    recorded.value = undefined;
    fault.value = "";
    try {
      const told = await probe(
        { uri: uri.trim(), transport, videoTrack: Number(videoTrack) },
        aborted.signal,
      );
      // In sequence: some cameras accept a connection only after the one before has ended.
      const other = recordUri.trim();
      const ofRecorded = other === "" ? undefined : await probe({ uri: other, transport }, aborted.signal);
      if (aborted.signal.aborted) return;
      result.value = told;
      recorded.value = ofRecorded && recordable(ofRecorded);
      onTrial({ result: told.ok ? (recorded.value ?? told) : told });
    } catch (error) {
      if (!aborted.signal.aborted) fault.value = describeFailure(error);
    } finally {
      busy.value = false;
    }
  };

  return (
    <section class="panel probe" aria-labelledby="probe-title">
      <div class="probe-head">
        <h2 id="probe-title">What the camera sends</h2>
        <button type="button" disabled={busy.value} onClick={ask}>
          {busy.value ? "Connecting …" : "Test the address"}
        </button>
      </div>
      <div class="probe-result" role="status" data-testid="probe-result">
        {busy.value && <p class="note">Connecting and waiting for a picture; this can take some seconds.</p>}
        {!busy.value && !result.value && fault.value === "" && (
          <p class="note">
            {uri.trim() !== "" && formFault !== ""
              ? `It cannot be tested. ${formFault}`
              : "Test the address to see a picture before the camera is saved."}
          </p>
        )}
        {fault.value !== "" && <p class="fault">{fault.value}</p>}
        {result.value && <ProbeResult result={result.value} alt="What the camera sees now" />}
        {recorded.value && (
          <>
            <h3>What is recorded</h3>
            <ProbeResult result={recorded.value} alt="What is recorded now" />
          </>
        )}
      </div>
    </section>
  );
}

/** Probe result for a stream to be recorded; a codec that cannot be recorded is a fault. */
function recordable(result: HttpProbe): HttpProbe {
  if (!result.ok || ["h264", "h265", "hevc"].includes(result.codec)) return result;
  const message = `video of the codec ${result.codec} cannot be recorded; set the stream to H.264 or H.265`;
  return { ok: false, reason: "unsupported_codec", message };
}

function ProbeResult({ result, alt }: { result: HttpProbe; alt: string }) {
  if (!result.ok)
    return (
      <div class="probe-line">
        <StatusIcon level="error" />
        <div>
          <p>
            <b>{title(reasonName(result.reason))}</b>
          </p>
          <p>{sentence(result.message)}</p>
        </div>
      </div>
    );
  const fps = result.fps > 0 ? `, ${formatFps(result.fps)} frames/s` : "";
  return (
    <>
      <div class="probe-line">
        <StatusIcon level={result.picture === null ? "warning" : "ok"} />
        <p>
          <b>{result.codec}</b>, {result.width} × {result.height}
          {fps}
          {result.videoTracks > 1 && `; ${result.videoTracks} video tracks`}
        </p>
      </div>
      {result.picture === null ? (
        <p class="fault">No picture came. {result.pictureFault}</p>
      ) : (
        <img class="probe-picture" src={result.picture} alt={alt} />
      )}
    </>
  );
}
