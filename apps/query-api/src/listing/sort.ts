/** The sorts of a list: by a column, with ties by id in the same direction. */
export const sorts = {
  name: { column: 'name', type: 'text', descending: false },
  '-name': { column: 'name', type: 'text', descending: true },
  price: { column: 'price', type: 'numeric', descending: false },
  '-price': { column: 'price', type: 'numeric', descending: true },
  updatedAt: { column: 'updated_at', type: 'timestamptz', descending: false },
  '-updatedAt': { column: 'updated_at', type: 'timestamptz', descending: true },
} as const;

/** Only for searches: the most relevant first. */
export const byRelevance = { column: 'relevance', type: 'text', descending: false } as const;

export type SortName = keyof typeof sorts;
export const sortNames = Object.keys(sorts) as SortName[];
export type Sort = (typeof sorts)[SortName] | typeof byRelevance;
