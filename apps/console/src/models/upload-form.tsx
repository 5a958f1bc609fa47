import { useSignal } from "@preact/signals";
import type { HttpModel, HttpNewImport } from "@sightline/contracts";
import { uploadModel } from "../api/model-calls.ts";
import { Field, TextField } from "../shell/field.tsx";
import { Fault } from "../shell/notices.tsx";
import { Choice } from "./choice.tsx";
import { FileField, SendingBar, useSending } from "./sending.tsx";

interface Props {
  models: readonly HttpModel[];
  onSent: () => void;
}

type Settings = NonNullable<HttpNewImport["settings"]>;

const families = [
  "yolo-nas",
  "yolox",
  "yolov5",
  "yolov8",
  "yolo-nms-inside",
  "rf-detr",
  "d-fine",
  "rt-detr",
].map((name) => [name, name] as const);
const asFamily = ["", "as the family has it"] as const;

/** Uploads an ONNX export, as a model or as a version of one. */
export function UploadForm({ models, onSent }: Props) {
  const file = useSignal<File | undefined>(undefined);
  const as = useSignal("");
  const name = useSignal("");
  const classes = useSignal("");
  const family = useSignal("");
  const size = useSignal("");
  const channelOrder = useSignal("");
  const placement = useSignal("");
  const range = useSignal("");
  const mean = useSignal("");
  const std = useSignal("");
  const sending = useSending();
  const upload = async (form: HTMLFormElement) => {
    const chosen = file.value!;
    const given = Object.entries({
      family: family.value,
      channelOrder: channelOrder.value,
      placement: placement.value,
      range: range.value,
      classes: split(classes.value),
      input: sizeOf(size.value),
      mean: split(mean.value).map(Number),
      std: split(std.value).map(Number),
    }).filter(
      ([, value]) => value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0),
    );
    const body: HttpNewImport = {
      model: as.value === "" ? name.value.trim() : as.value,
      isNew: as.value === "",
      settings: Object.fromEntries(given) as Settings,
      file: { fileName: chosen.name, bytes: chosen.size },
    };
    if (!(await sending.run((onProgress, signal) => uploadModel(body, chosen, onProgress, signal)))) return;
    form.reset();
    file.value = undefined;
    name.value = "";
    onSent();
  };
  return (
    <form
      class="settings-form"
      aria-label="Upload a model"
      onSubmit={(event) => {
        event.preventDefault();
        void upload(event.currentTarget);
      }}
    >
      <FileField
        id="upload-file"
        label="ONNX file"
        hint="A float export of a detector, as one file. Take models only from where you would take programs."
        accept=".onnx"
        onPick={(picked) => {
          file.value = picked;
          if (name.value === "") name.value = nameOf(picked?.name ?? "");
        }}
      />
      <div class="shadow-fields">
        <Choice
          id="upload-as"
          label="It becomes"
          value={as}
          of={[
            ["", "a new model"],
            ...models.map((model) => [model.name, `a version of ${model.name}`] as const),
          ]}
        />
        {as.value === "" && (
          <TextField
            id="upload-name"
            label="Name"
            required
            maxLength={63}
            pattern="[A-Za-z0-9][A-Za-z0-9_\-]*"
            title="Letters, digits, - and _; a letter or digit first"
            value={name.value}
            onChange={(text) => (name.value = text)}
          />
        )}
        <Choice id="upload-family" label="Family" value={family} of={[["", "found out"], ...families]} />
      </div>
      <Field
        id="upload-classes"
        label="Names of its classes"
        hint="In their order, with commas or one a line. Without them: as the file says, or COCO's names where there are 80."
      >
        <textarea
          id="upload-classes"
          rows={2}
          aria-describedby="upload-classes-hint"
          value={classes.value}
          onInput={(event) => (classes.value = event.currentTarget.value)}
        />
      </Field>
      <details>
        <summary>Pictures as it was trained with</summary>
        <div class="shadow-fields">
          <ExampleField
            id="upload-size"
            label="Size, if it takes any"
            value={size}
            pattern="[0-9]+x[0-9]+"
            placeholder="640x384"
          />
          <Choice
            id="upload-order"
            label="Channels"
            value={channelOrder}
            of={[asFamily, ["rgb", "RGB"], ["bgr", "BGR"]]}
          />
          <Choice
            id="upload-placement"
            label="Placement"
            value={placement}
            of={[
              asFamily,
              ["centre", "in the middle"],
              ["corner", "upper left corner"],
              ["stretch", "stretched"],
            ]}
          />
          <Choice
            id="upload-range"
            label="Values"
            value={range}
            of={[asFamily, ["unit", "0 to 1"], ["bytes", "0 to 255"]]}
          />
          <ExampleField
            id="upload-mean"
            label="Mean"
            value={mean}
            pattern={threeNumbers}
            placeholder="0.485, 0.456, 0.406"
          />
          <ExampleField
            id="upload-std"
            label="Deviation"
            value={std}
            pattern={threeNumbers}
            placeholder="0.229, 0.224, 0.225"
          />
        </div>
      </details>
      <Fault text={sending.fault} />
      <SendingBar sending={sending} />
      <div class="buttons">
        <button type="submit" class="primary" disabled={sending.sent !== undefined}>
          Upload the model
        </button>
      </div>
    </form>
  );
}

const threeNumbers = "\\s*[0-9.]+\\s*,\\s*[0-9.]+\\s*,\\s*[0-9.]+\\s*";

interface ExampleProps {
  id: string;
  label: string;
  value: { value: string };
  pattern: string;
  placeholder: string;
}

/** A line of text with an example as its placeholder. */
function ExampleField({ value, placeholder, ...field }: ExampleProps) {
  return (
    <TextField
      {...field}
      placeholder={placeholder}
      title={`Such as ${placeholder}`}
      value={value.value}
      onChange={(text) => (value.value = text)}
    />
  );
}

/** A name for the model, derived from the file's name. */
function nameOf(fileName: string): string {
  return fileName
    .replace(/\.onnx$/i, "")
    .replace(/[^a-z0-9_-]+/gi, "-")
    .replace(/^[^a-z0-9]+/i, "")
    .slice(0, 63);
}

function split(text: string): string[] {
  return text.split(/[\n,]/).flatMap((part) => part.trim() || []);
}

function sizeOf(text: string): Settings["input"] {
  const [width, height] = text.split("x").map(Number);
  return width && height ? { width, height } : undefined;
}
