import { FormatRegistry } from '@sinclair/typebox';

// RFC 3339, section 5.6: any offset; the fraction may have more digits than a Date keeps.
const dateTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

FormatRegistry.Set('date-time', (value) => dateTime.test(value) && !Number.isNaN(Date.parse(value)));
