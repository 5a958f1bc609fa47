const idForm = "1 to 63 characters of a-z, 0-9 and '-', beginning with a letter or digit";

/** What the API calls things, and what the command line calls them; the first that fits a place counts. */
const words: readonly (readonly [RegExp, string | ((whole: string, field: string) => string)])[] = [
  [/\bcamera_id\b/g, "the camera's name"],
  [/\bcamera\.uri\b/g, "the URL"],
  [/\bcamera\.target_fps\b/g, "--fps"],
  [/\bcamera\.floor_fps\b/g, "--floor"],
  [/\b(?:camera\.recording\.)?max_age_days\b/g, "--record-days"],
  [/\bcamera\.recording\.events_max_age_days\b/g, "--record-events-days"],
  [/\bcamera\.privacy_masks\b/g, "--privacy-mask"],
  [/\bcamera\.labels\b/g, "--label"],
  [/\bcamera\.second_stages\b/g, "--then"],
  [/\bcamera\.([a-z_]+)\b/g, (_, field) => `--${field.replaceAll("_", "-")}`],
  [/\bmin_score\b/g, "--min-score"],
  [/\bmin_duration_seconds\b/g, "--min-seconds"],
  [/ \(recording\.mode\)/g, "; ./sightline camera update NAME --record events turns it on"],
  [/\bstart(?:_|\.)time\b/g, "--from"],
  [/\bend_time\b/g, "--to"],
  [/^cameras (?=has)/, "--camera "],
  [/^zones (?=has)/, "--zone "],
  [/^classes (?=has)/, "--classes "],
  [/\bcameras\/\{camera\}\/events\/\{event\}/g, "CAMERA/ID"],
  [/\b(?:cameras\/\{camera\}|subscriptions\/\{subscription\})(?:\/rules)?/g, idForm],
  [/\bcameras\/([a-z0-9-]+)(?:\/events)?/g, (_, camera) => camera],
  [/\bTRANSPORT_([A-Z]+)/g, (_, name) => name.toLowerCase()],
];

/** A message of the server in the words of the command line: `camera.target_fps` is what `--fps` gave. */
export function inCommandWords(message: string): string {
  return words.reduce(
    // One type for both kinds of replacement, as `replace` has two.
    (text, [pattern, word]) => text.replace(pattern, word as string),
    message,
  );
}
