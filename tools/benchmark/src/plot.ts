/** Lines over one pair of axes. */
export interface Plot {
  /** Of its file. */
  name: string;
  title: string;
  x: string;
  y: string;
  /** A decade of `y` is as high as the next; values of 0 are left out. Linear when absent. */
  logarithmic?: boolean;
  lines: { name: string; points: (readonly [x: number, y: number])[] }[];
}

const width = 720;
const height = 360;
const area = { left: 64, right: 140, top: 40, bottom: 48 };
// Distinguishable without colour vision, on white and on black (Okabe and Ito).
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];
const style =
  ':root{color-scheme:light dark}text{font:12px sans-serif;fill:#222}.grid{stroke:#ddd}.line{fill:none;stroke-width:2}' +
  '@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#444}}';

/** An SVG of a plot, for light and dark pages. The same plot gives the same text. */
export function svgOf(plot: Plot): string {
  const { title, x, y, lines, logarithmic = false } = plot;
  const shown = lines.map(({ name, points }) => ({ name, points: points.filter(([, at]) => !logarithmic || at > 0) }));
  const all = shown.flatMap(({ points }) => points);
  const across = scaleOf(
    all.map(([at]) => at),
    false,
    area.left,
    width - area.right,
  );
  const up = scaleOf(
    all.map(([, at]) => at),
    logarithmic,
    height - area.bottom,
    area.top,
  );
  const bottom = height - area.bottom;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img"><title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    text(area.left, 20, title),
    text((area.left + width - area.right) / 2, height - 10, x, 'middle'),
    text(area.left - 8, area.top - 8, y, 'end'),
    ...up.ticks.flatMap((tick) => [
      `<path class="grid" d="M${area.left} ${up.at(tick)}H${width - area.right}"/>`,
      text(area.left - 6, up.at(tick) + 4, label(tick), 'end'),
    ]),
    ...across.ticks.map((tick) => text(across.at(tick), bottom + 16, label(tick), 'middle')),
    ...shown.flatMap(({ name, points }, index) => {
      const last = points.at(-1);
      if (last === undefined) return [];
      const colour = colours[index % colours.length];
      const path = points.map(([atX, atY]) => `${across.at(atX)} ${up.at(atY)}`).join('L');
      return [
        `<path class="line" stroke="${colour}" d="M${path}"/>`,
        // In a column, because lines may end at the same height.
        `<path class="line" stroke="${colour}" d="M${width - area.right + 8} ${area.top + 16 * index}h16"/>`,
        text(width - area.right + 30, area.top + 4 + 16 * index, name),
      ];
    }),
    '</svg>\n',
  ].join('\n');
}

interface Scale {
  ticks: number[];
  at: (value: number) => number;
}

function scaleOf(values: readonly number[], logarithmic: boolean, from: number, to: number): Scale {
  const highest = Math.max(...values, 0) || 1;
  const ticks = logarithmic ? decades(Math.min(...values, highest), highest) : steps(highest);
  const place = logarithmic ? Math.log10 : (value: number) => value;
  const [low, high] = [place(ticks[0] ?? 0), place(ticks.at(-1) ?? 1)];
  const at = (value: number) => Math.round((from + ((place(value) - low) / (high - low || 1)) * (to - from)) * 10) / 10;
  return { ticks, at };
}

/** Powers of ten around the values; two at least. */
function decades(lowest: number, highest: number): number[] {
  const first = Math.floor(Math.log10(lowest));
  const last = Math.max(first + 1, Math.ceil(Math.log10(highest)));
  return Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
}

/** Four to ten round steps from 0 to at least the highest value. */
function steps(highest: number): number[] {
  const power = 10 ** Math.floor(Math.log10(highest));
  const step = [0.1, 0.2, 0.5, 1].map((share) => share * power).find((each) => highest / each <= 10) ?? power;
  return Array.from({ length: Math.ceil(highest / step) + 1 }, (_, index) => index * step);
}

function text(x: number, y: number, content: string, anchor = 'start'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function label(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
