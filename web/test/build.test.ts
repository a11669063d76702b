// The committed build is that of the sources, and small.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const committed = join(root, "dist");

function files(folder: string): Map<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
  return new Map(entries.map((e) => [join(e.parentPath, e.name).slice(folder.length + 1), readFileSync(join(e.parentPath, e.name))]));
}

test("the build in dist is that of the sources (if not: npm run build)", async () => {
  const outDir = mkdtempSync(join(tmpdir(), "doran-dist-"));
  const mode = process.env.NODE_ENV;
  process.env.NODE_ENV = "production";
  try {
    await build({ root, logLevel: "error", mode: "production", build: { outDir, emptyOutDir: true } });
    const fresh = files(outDir);
    const kept = files(committed);
    expect([...kept.keys()].sort()).toEqual([...fresh.keys()].sort());
    for (const [name, content] of fresh) expect(kept.get(name)!.equals(content), name).toBe(true);
  } finally {
    process.env.NODE_ENV = mode;
    rmSync(outDir, { recursive: true });
  }
});

test("all of it is under 100 KB, compressed", () => {
  const sizes = [...files(committed).values()].map((content) => gzipSync(content).length);
  expect(sizes.reduce((a, b) => a + b)).toBeLessThan(100 * 1024);
});
