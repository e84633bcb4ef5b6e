import { modelSettings } from '@catalogue/projection';

export const settings = modelSettings('READ_DB_DSN', 8083);
