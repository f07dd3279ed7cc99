/** Problem details as a schema, for the document. */
import { z } from 'zod';
import { PROBLEMS } from '../problem.ts';

const fault = z.object({ field: z.string(), detail: z.string() });

export const problemSchema = z
  .looseObject({
    type: z.string().meta({ description: 'Where the problem is explained' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What is wrong with this request and what to do' }),
    code: z.enum(Object.keys(PROBLEMS)).meta({ description: 'Stable; decide on this' }),
    field: z.string().optional().meta({ description: 'JSON pointer into the body, or `/name` of a parameter' }),
    instance: z.string(),
    errors: z.array(fault).optional().meta({ description: 'All faults, where there are several' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details' });
