import { hash, verify } from "@node-rs/argon2";
import { TaskLimit, TaskLimitError } from "@sightline/service";
import { ApiError } from "../grpc/errors.ts";

/** argon2id with 19 MiB, two passes and one lane, as OWASP advises: about 0.1 s of a core. */
const options = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Hashing runs on the threads that also read files: it may not have all four. */
const limit = new TaskLimit(2, 256);

/** argon2id in PHC form. @throws ApiError access_unavailable */
export function hashSecret(secret: string): Promise<string> {
  return inTurn(() => hash(secret, options));
}

/** Whether `secret` is what was hashed. A hash that cannot be read fits nothing. @throws ApiError access_unavailable */
export function fitsHash(stored: string, secret: string): Promise<boolean> {
  return inTurn(() => verify(stored, secret).catch(() => false));
}

function inTurn<R>(task: () => Promise<R>): Promise<R> {
  return limit.run(task).catch((error: unknown) => {
    if (!(error instanceof TaskLimitError)) throw error;
    throw new ApiError("access_unavailable", "too many passwords and tokens are being checked; try again", {
      cause: error,
    });
  });
}

let nobody: Promise<string> | undefined;

/** Takes as long as checking a password that there is, so that time does not tell which users there are. */
export async function checkNobody(secret: string): Promise<false> {
  nobody ??= hashSecret("nobody has this password");
  await fitsHash(await nobody, secret);
  return false;
}
