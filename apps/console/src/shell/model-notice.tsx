import { modelScope } from "../words/model-scope.ts";

/** Says, where a model is met, that it is the one for the demonstration, and the way to another. */
export function ModelNotice({ model }: { model: string }) {
  const scope = modelScope(model);
  if (scope === "") return null;
  return (
    <p class="model-notice" data-testid="model-notice">
      {scope} For your own, bring or train a model: <code>docs/model.md</code> in the repository says how.
    </p>
  );
}
