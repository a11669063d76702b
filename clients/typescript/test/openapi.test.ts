import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

test("the types are those of the server's document (if not: npm run generate)", () => {
  const folder = mkdtempSync(join(tmpdir(), "doran-openapi-"));
  try {
    const fresh = join(folder, "openapi.ts");
    execFileSync("npx", ["openapi-typescript", "../../handlers/openapi.yaml", "-o", fresh], { cwd: root, stdio: "pipe" });
    expect(readFileSync(join(root, "src/openapi.ts"), "utf8")).toBe(readFileSync(fresh, "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
