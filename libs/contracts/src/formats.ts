import { FormatRegistry } from '@sinclair/typebox';

// RFC 3339, section 5.6: any offset; the fraction may have more digits than a Date keeps.
const dateTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

// In UTC, on a day that every month has: valid without Date.parse, which takes a tenth of the time to read an event.
const surelyValid = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/;

FormatRegistry.Set(
  'date-time',
  (value) => surelyValid.test(value) || (dateTime.test(value) && !Number.isNaN(Date.parse(value))),
);
