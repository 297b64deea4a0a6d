import { displayWidth } from "../lib/ui/text/display_width.ts";

/** What {@linkcode terminalSvg} needs to know besides the lines. */
export interface TerminalSvgOptions {
  /** Columns of the terminal. */
  columns: number;
  /** What a screen reader says, and the title of the window. */
  title: string;
}

const CELL = { width: 8.4, height: 19 };
const MARGIN = 18;
const BAR = 34;
const BASELINE = 14;

/** How each SGR code changes the classes of the text after it. */
const CODES: Record<string, (classes: Set<string>) => void> = {
  "1": (classes) => classes.add("bold"),
  "2": (classes) => classes.add("dim"),
  "22": (classes) => ["bold", "dim"].forEach((name) => classes.delete(name)),
  "31": (classes) => setColour(classes, "red"),
  "32": (classes) => setColour(classes, "green"),
  "33": (classes) => setColour(classes, "yellow"),
  "36": (classes) => setColour(classes, "cyan"),
  "39": (classes) => setColour(classes, undefined),
};

/**
 * Draws lines of a terminal as an SVG image. Every word says where it stands and how wide it
 * is, so that columns hold whatever font a viewer has.
 *
 * @throws {RangeError} If a line has an escape sequence other than the colours in use.
 */
export function terminalSvg(lines: readonly string[], options: TerminalSvgOptions): string {
  const width = Math.round(options.columns * CELL.width + 2 * MARGIN);
  const height = Math.round(BAR + lines.length * CELL.height + MARGIN);
  const title = escapeXml(options.title);
  const text = lines.flatMap((line, row) => {
    const words = wordsOf(line).map(({ text, column, classes }) => {
      const x = number(MARGIN + column * CELL.width);
      const length = number(displayWidth(text) * CELL.width);
      const look = classes === "" ? "" : ` class="${classes}"`;
      // The blocks of the bar have to touch each other.
      const fill = /^[█░]/.test(text) ? ' lengthAdjust="spacingAndGlyphs"' : "";
      return `<tspan x="${x}" textLength="${length}"${fill}${look}>${escapeXml(text)}</tspan>`;
    });
    const y = number(BAR + row * CELL.height + BASELINE);
    return words.length === 0 ? [] : [`  <text y="${y}">${words.join("")}</text>`];
  });
  return `${
    [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
      `viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">`,
      `  <title>${title}</title>`,
      "  <style>",
      "    text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #d8dee9 }",
      "    .bold { font-weight: bold } .dim { fill: #8b93a4 } .red { fill: #f07178 }",
      "    .green { fill: #a3d977 } .yellow { fill: #ffcb6b } .cyan { fill: #7fdbff }",
      "  </style>",
      `  <rect width="${width}" height="${height}" rx="8" fill="#1b1f27"/>`,
      ...["#f07178", "#ffcb6b", "#a3d977"].map((fill, i) =>
        `  <circle cx="${MARGIN + 4 + i * 18}" cy="17" r="5" fill="${fill}"/>`
      ),
      ...text,
      "</svg>",
    ].join("\n")
  }\n`;
}

interface Word {
  text: string;
  column: number;
  classes: string;
}

function wordsOf(line: string): Word[] {
  const words: Word[] = [];
  const classes = new Set<string>();
  let column = 0;
  // deno-lint-ignore no-control-regex -- the escape character is what begins a colour
  for (const part of line.split(/(\x1b\[\d+m)/)) {
    // deno-lint-ignore no-control-regex -- as above
    const code = /^\x1b\[(\d+)m$/.exec(part)?.[1];
    if (code !== undefined) {
      const apply = CODES[code];
      if (apply === undefined) throw new RangeError(`Cannot draw SGR code ${code}`);
      apply(classes);
      continue;
    }
    if (part.includes("\x1b")) throw new RangeError("Cannot draw an escape sequence");
    for (const [text] of part.matchAll(/\s+|\S+/g)) {
      if (text.trim() !== "") words.push({ text, column, classes: [...classes].join(" ") });
      column += displayWidth(text);
    }
  }
  return words;
}

function setColour(classes: Set<string>, colour: string | undefined): void {
  for (const name of ["red", "green", "yellow", "cyan"]) classes.delete(name);
  if (colour !== undefined) classes.add(colour);
}

function number(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
