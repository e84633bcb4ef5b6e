import { runModel } from '@catalogue/projection';
import { eitherCodec } from '@catalogue/registry';
import { productModel } from './model.ts';
import { settings } from './settings.ts';

await runModel(productModel(), settings, process.env, eitherCodec(process.env));
