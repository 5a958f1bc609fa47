/** The console's sign and name. */
export function Brand() {
  return (
    <>
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path class="brand-frame" d="M7 12V7h5M20 7h5v5M25 20v5h-5M12 25H7v-5" />
        <path class="brand-line" d="M9 16h14" />
        <circle class="brand-eye" cx="16" cy="16" r="3" />
      </svg>
      Sightline
    </>
  );
}
