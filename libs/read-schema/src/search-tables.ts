import { boolean, index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

/**
 * The searchable names of the products that readers see. Triggers on `products` write a row when a name changes or a product
 * appears or disappears, so a new price leaves these indexes alone. A list partition for each generation is made and dropped by
 * a trigger on `generations`; its indexes for searches are among `readerIndexes`.
 */
export const productNames = pgTable(
  'product_names',
  {
    generation: integer().notNull(),
    id: text().notNull(),
    /** The name's words without case, accents and signs, with a space before and after each. */
    folded: text().notNull(),
    /**
     * The parts that trigrams do not find: each sign, each character of a script without spaces between words, and each of them
     * with the character before and after it. Null for a name without any.
     */
    grams: text().array(),
    /**
     * Whether the indexes with names contain this one: an entry has 2 704 bytes at most. The triggers decide it by
     * `name_is_covered`; only very long names and ids are not covered.
     */
    covered: boolean().notNull().default(true),
  },
  (table) => [primaryKey({ columns: [table.id, table.generation] })],
);

/**
 * The words of all names of all generations, folded, for the correction of misspelt words: words of 3 to 40 letters without
 * digits. A superfluous word costs a search nothing.
 */
export const words = pgTable('words', { word: text().primaryKey() }, (table) => [
  index('words_by_trigrams').using('gin', table.word.op('gin_trgm_ops')),
]);
