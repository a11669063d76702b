/** Two who talk softly; the first of them is still writing. */
export function Logo({ size = 72 }: { size?: number }) {
  return (
    <svg class="logo" width={size} height={size} viewBox="84 84 364 364" aria-hidden="true">
      <path class="logo-second" d="M232 300c0-34 27-61 61-61h68c34 0 61 27 61 61v14c0 20-9 37-23 49v40c0 9-10 14-17 8l-47-36h-42c-34 0-61-27-61-61z" />
      <path class="logo-first" d="M112 190c0-46 37-82 83-82h96c46 0 83 36 83 82v16c0 46-37 82-83 82h-72l-61 47c-8 6-18 1-18-9v-52c-17-15-28-40-28-68z" />
      <g class="logo-dots">
        <circle cx="190" cy="198" r="19" />
        <circle cx="243" cy="198" r="19" />
        <circle cx="296" cy="198" r="19" />
      </g>
    </svg>
  );
}
