import type { HttpReview } from "@sightline/contracts";
import { may } from "../state/auth.ts";
import { formatFullTime } from "../words/numbers-and-times.ts";

interface Props {
  /** Undefined when nobody has reviewed it. */
  review: HttpReview | undefined;
  /** What happened, in one line. */
  name: string;
  onReview: (reviewed: boolean) => void;
}

/** Whether somebody has reviewed an event; operators change it here. */
export function ReviewMark({ review, name, onReview }: Props) {
  const isReviewed = review !== undefined;
  const by =
    review && `${review.user === "local" ? "" : `by ${review.user}, `}${formatFullTime(review.time)}`;
  if (!may("operator")) return isReviewed ? <p class="note">✓ Reviewed {by}</p> : null;
  return (
    <button
      type="button"
      class="review"
      aria-pressed={isReviewed}
      aria-label={`Reviewed: ${name}`}
      title={isReviewed ? `Reviewed ${by}` : "Mark as reviewed, for all who see it"}
      onClick={() => onReview(!isReviewed)}
    >
      {isReviewed ? "✓ Reviewed" : "Reviewed?"}
    </button>
  );
}
