import { z } from "zod";

/** A picture as the OpenAPI document describes it; what is sent is the picture's bytes. */
export const jpegAnswer = {
  description: "The picture.",
  content: { "image/jpeg": { schema: z.any().meta({ contentMediaType: "image/jpeg" }) } },
};
