// What belongs to the browser and to no user: language and theme.

export function remembered<T extends string>(key: string, known: readonly T[]): T | null {
  try {
    return known.find((k) => k === localStorage.getItem(`doran.${key}`)) ?? null;
  } catch {
    return null; // storage is forbidden here
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`doran.${key}`, value);
  } catch {
    // it lasts as long as the page
  }
}
