import { Fragment, type ComponentChildren } from "preact";
import { useCallback, useLayoutEffect, useReducer, useRef } from "preact/hooks";

/** Rows are drawn this many pixels beyond what can be seen. */
const MARGIN = 800;
/** So near to the end one counts as being there. */
const NEAR = 48;
/** A row that was never drawn is thought to be so high. */
const GUESS = 44;

export interface Row {
  key: string;
  /** It may turn up elsewhere, or get another height, when others come: nothing is held in place by it. */
  loose?: boolean;
}

export interface WindowedProps<R extends Row> {
  rows: R[];
  render: (row: R) => ComponentChildren;
  label: string;
  /** Called when the first row comes near. */
  onTop: () => void;
  /** Called when one comes to the end, or leaves it. */
  onEnd: (there: boolean) => void;
  /** Goes to the end when it changes. */
  toEnd: number;
}

/**
 * A list that begins at its end, and of which only what can be seen is in the document, whatever its length. What one looks at stays where
 * it is, however rows come, go or grow around it; who is at the end stays at the end.
 */
export function Windowed<R extends Row>({ rows, render, label, onTop, onEnd, toEnd }: WindowedProps<R>) {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const heights = useRef(new Map<string, number>());
  const anchor = useRef<{ key: string; top: number } | null>(null);
  const there = useRef(true);
  const told = useRef(true);
  const seen = useRef(0);
  const drawn = useRef<{ rows: R[]; tops: number[] }>({ rows: [], tops: [0] });
  const [, redraw] = useReducer((n: number) => n + 1, 0);

  // The browser tells of scrolling a frame later. What is drawn before that must not take it back.
  const notice = () => {
    const box = scroller.current;
    if (!box || box.scrollTop === seen.current) return;
    seen.current = box.scrollTop;
    there.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    anchor.current = anchorAt(drawn.current.rows, drawn.current.tops, heights.current, box.scrollTop);
  };
  notice();

  const tops = topsOf(rows, heights.current);
  const total = tops[rows.length] as number;
  const view = scroller.current;
  const height = view?.clientHeight ?? 800;
  const scrolled = there.current ? Math.max(0, total - height) : placeOf(anchor.current, rows, tops, view?.scrollTop ?? 0);
  const first = indexAt(tops, scrolled - MARGIN);
  const last = Math.min(rows.length, indexAt(tops, scrolled + height + MARGIN) + 1);

  // After each drawing: measure, put what one looks at back to where it was, and draw again if that shows other rows.
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box || !list.current) return;
    const changed = measure(list.current, heights.current);
    const now = changed ? topsOf(rows, heights.current) : tops;
    const target = there.current ? box.scrollHeight : placeOf(anchor.current, rows, now, box.scrollTop);
    if (Math.abs(box.scrollTop - target) > 0.5) box.scrollTop = target;
    seen.current = box.scrollTop;
    drawn.current = { rows, tops: now };
    if (!there.current) anchor.current = anchorAt(rows, now, heights.current, box.scrollTop);
    if (changed) redraw(0);
    if (box.scrollTop < MARGIN) onTop();
  });

  useLayoutEffect(() => {
    there.current = told.current = true;
    onEnd(true);
    redraw(0);
  }, [toEnd]);

  // The keyboard of a phone, a wider window, a picture of the text in another font: everything is measured again.
  useLayoutEffect(() => {
    const box = scroller.current as HTMLDivElement;
    let width = box.clientWidth;
    const observer = new ResizeObserver(() => {
      if (box.clientWidth !== width) heights.current.clear();
      width = box.clientWidth;
      redraw(0);
    });
    observer.observe(box);
    return () => observer.disconnect();
  }, []);

  const onScroll = useCallback(() => {
    notice();
    if (there.current !== told.current) onEnd((told.current = there.current));
    redraw(0);
  }, []);

  return (
    <div ref={scroller} class="scroller" tabIndex={0} role="region" aria-label={label} onScroll={onScroll}>
      <div class="filler" style={{ height: `${total}px` }}>
        <ol ref={list} class="rows" style={{ transform: `translateY(${tops[first]}px)` }}>
          {rows.slice(first, last).map((row) => (
            <Fragment key={row.key}>{render(row)}</Fragment>
          ))}
        </ol>
      </div>
    </div>
  );
}

/** Where each row begins, and at last where all end. */
function topsOf(rows: Row[], heights: Map<string, number>): number[] {
  const tops = new Array<number>(rows.length + 1);
  let top = 0;
  rows.forEach((row, i) => {
    tops[i] = top;
    top += heights.get(row.key) ?? GUESS;
  });
  tops[rows.length] = top;
  return tops;
}

/** The last row that begins at or before a place. */
function indexAt(tops: number[], place: number): number {
  let low = 0;
  let high = tops.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] as number) <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The first row from here on that will not change its place by being measured. */
function anchorAt(rows: Row[], tops: number[], heights: Map<string, number>, scrolled: number) {
  const start = Math.min(indexAt(tops, scrolled), rows.length - 1);
  let i = start;
  while (i < rows.length - 1 && (rows[i]!.loose || !heights.has(rows[i]!.key)) && i < start + 100) i++;
  const row = rows[i];
  return row ? { key: row.key, top: scrolled - (tops[i] as number) } : null;
}

/** How far to scroll so that the anchor stands where it stood; where it is gone, stay. */
function placeOf(anchor: { key: string; top: number } | null, rows: Row[], tops: number[], otherwise: number): number {
  if (!anchor) return otherwise;
  const i = rows.findIndex((r) => r.key === anchor.key);
  return i < 0 ? otherwise : (tops[i] as number) + anchor.top;
}

/** Notes the heights of what is drawn; says whether any is new. Rows carry their key. */
function measure(list: HTMLElement, heights: Map<string, number>): boolean {
  let changed = false;
  for (const item of list.children as HTMLCollectionOf<HTMLElement>) {
    const key = item.dataset.key as string;
    const height = item.getBoundingClientRect().height;
    if (height === 0 || Math.abs((heights.get(key) ?? -1) - height) < 0.1) continue;
    heights.set(key, height);
    changed = true;
  }
  return changed;
}
