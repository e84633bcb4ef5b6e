/** A figure of a document with its source: `18 000/s<!-- creates-32: a second -->`. */
export interface Mark {
  /** The figure as it is written. */
  text: string;
  value: number;
  /** Half a unit of its last digit: 18 000 stands for 17 500 to 18 500. */
  tolerance: number;
  /** A scenario of the benchmark, or a source file. */
  source: string;
  /** A column of the scenario's row, or a constant of the file. */
  name: string;
}

// Each repetition has a bound: otherwise a long row of digits would take quadratic time.
const mark = /(?<!\d)(\d[\d ]{0,15}(?:\.\d{1,6})?)[^\d<>\n]{0,20}<!-- ([\w./-]{1,120}): ([^>]{1,60}?) -->/g;

/** The figures of a document that have a source. */
export function marksOf(document: string): Mark[] {
  return [...document.matchAll(mark)].map(([, written = '', source = '', name = '']) => {
    const text = written.trim();
    const digits = text.replaceAll(' ', '');
    const decimals = digits.split('.')[1]?.length;
    const zeros =
      decimals === undefined ? digits.length - 1 - [...digits].findLastIndex((digit) => digit !== '0') : -decimals;
    return { text, value: Number(digits), tolerance: 10 ** zeros / 2, source, name };
  });
}

/** The rows of all tables of a document by name and column. Rows of the same name are merged. */
export function recordedFigures(document: string): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  let head: string[] = [];
  for (const line of document.split('\n')) {
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (cells.length === 0) head = [];
    else if (head.length === 0) head = cells;
    else {
      const [name = ''] = cells;
      const figures = found.get(name) ?? new Map<string, string>();
      // The first table with a column wins: the table of figures.
      for (const [index, column] of head.entries()) if (!figures.has(column)) figures.set(column, cells[index] ?? '');
      found.set(name, figures);
    }
  }
  return found;
}

/** The number at the beginning of a cell or line of code; undefined without one. */
export function numberIn(text: string | undefined): number | undefined {
  const [digits] = /\d[\d _]*(?:\.\d+)?/.exec(text ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits.replaceAll(/[ _]/g, ''));
}

/** The value of a constant in a source file; undefined if it has none of that name. */
export function constantIn(source: string, name: string): number | undefined {
  const constants = source.matchAll(/\b(\w+)(?:: number)? = (\d[\d_.]*);/g);
  return numberIn(constants.find(([, found]) => found === name)?.[2]);
}
