import { type DescField, type DescMessage, type Registry, ScalarType } from "@bufbuild/protobuf";

type Json = Record<string, unknown>;
const wellKnown: Record<string, unknown> = {
  "google.protobuf.Timestamp": "2026-03-01T10:00:00.500Z",
  "google.protobuf.Duration": "3.500s",
  "google.protobuf.FieldMask": "uri",
};

/**
 * Messages of a type, in protobuf's JSON form, with something in every field: as many as it takes for each case of its oneofs. Enums have a value that
 * `before` knows: one that was added since is a number there, which JSON of this version calls by its name.
 */
export function filledMessages(type: DescMessage, before: Registry): Json[] {
  const count = Math.max(1, ...type.oneofs.map(({ fields }) => fields.length));
  return Array.from({ length: count }, (_, variant) => filled(type, variant, 0, before));
}

function filled(type: DescMessage, variant: number, depth: number, before: Registry): Json {
  const message: Json = {};
  for (const field of type.fields) {
    if (field.oneof && field.oneof.fields[Math.min(variant, field.oneof.fields.length - 1)] !== field)
      continue;
    if (depth > 6) continue;
    const value = single(field, variant, depth, before);
    message[field.jsonName] =
      field.fieldKind === "list" ? [value] : field.fieldKind === "map" ? { key: value } : value;
  }
  return message;
}

function single(field: DescField, variant: number, depth: number, before: Registry): unknown {
  if (field.message)
    return wellKnown[field.message.typeName] ?? filled(field.message, variant, depth + 1, before);
  if (field.enum) return (before.getEnum(field.enum.typeName) ?? field.enum).values.at(-1)!.name;
  switch (field.scalar) {
    case ScalarType.STRING:
      return `${field.name}-1`;
    case ScalarType.BYTES:
      return "AQI=";
    case ScalarType.BOOL:
      return true;
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return field.number + 0.5;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return String(field.number);
    default:
      return field.number;
  }
}
