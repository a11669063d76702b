// How many messages wait, in the title, on the icon and on the installed app.
import { effect } from "@preact/signals";
import { unreadTotal } from "./app.js";
import { t } from "./i18n.js";

const SIZE = 64;

export function watchBadge(): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  const plain = link?.href ?? "";
  const image = new Image();
  image.src = plain;
  const draw = () => {
    if (link) link.href = unreadTotal.peek() > 0 ? dotted(image) : plain;
  };
  image.onload = draw;
  effect(() => {
    const n = unreadTotal.value;
    document.title = (n > 0 ? `(${n > 999 ? "999+" : n}) ` : "") + t("appName");
    draw();
    const badge = n > 0 ? navigator.setAppBadge?.(n) : navigator.clearAppBadge?.();
    void badge?.catch(() => {});
  });
}

function dotted(image: HTMLImageElement): string {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE;
  const pen = canvas.getContext("2d");
  if (!pen || !image.complete) return image.src;
  pen.drawImage(image, 0, 0, SIZE, SIZE);
  pen.fillStyle = "#e2502f";
  pen.beginPath();
  pen.arc(SIZE * 0.76, SIZE * 0.24, SIZE * 0.24, 0, 2 * Math.PI);
  pen.fill();
  return canvas.toDataURL();
}
