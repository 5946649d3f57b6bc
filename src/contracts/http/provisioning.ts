/**
 * Wire shapes of provisioning: a provider with everything it sells by, in one body. Its parts name one another by `ref`, a word
 * of the body alone.
 */
import { z } from '@hono/zod-openapi';
import { emailSchema } from './auth.ts';
import { createRuleSchema } from './availability.ts';
import {
  createProviderSchema,
  createServiceSchema,
  createVenueSchema,
  hasOwnCapacity,
  resourceFields,
} from './catalogue.ts';
import { instantSchema, nameSchema } from './common.ts';
import { onboardingSchema, openAccountSchema } from './payouts.ts';

/** Together with the rules' bound they keep one call within what one request may ask of the platform. */
const STAFF_MAX = 10;
const SHARDS_MAX = 10;
const RESOURCES_MAX = 50;
const SERVICES_MAX = 20;
const RULES_OF_SERVICE_MAX = 20;

const refSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,40}$/, 'must be 1 to 40 letters, digits, "-" or "_"')
  .openapi({ example: 'court-1' });

const ruleOfServiceSchema = createRuleSchema
  .omit({ resourceId: true })
  .extend({ resource: refSchema.optional() })
  .openapi('ProvisionRule');

const serviceOfProviderSchema = createServiceSchema
  .omit({ venueId: true, resourceIds: true })
  .extend({
    ref: refSchema,
    resources: z
      .array(refSchema)
      .min(1)
      .max(RESOURCES_MAX)
      .refine((refs) => new Set(refs).size === refs.length, 'resources must be unique'),
    availabilityRules: z.array(ruleOfServiceSchema).max(RULES_OF_SERVICE_MAX).optional(),
  })
  .openapi('ProvisionService');

const resourceOfProviderSchema = z
  .strictObject({
    ref: refSchema,
    /** Of the shard that it is placed in; the provider's first one where it is left out. */
    shard: refSchema.optional(),
    /** False for one that belongs to the provider and serves any of its venues. */
    isAtVenue: z.boolean().optional(),
    ...resourceFields,
  })
  .refine(hasOwnCapacity, {
    message: 'capacity of named units is their number',
    path: ['capacity'],
  })
  .openapi('ProvisionResource');

export const provisionSchema = z
  .strictObject({
    provider: createProviderSchema,
    staff: z.array(emailSchema).max(STAFF_MAX).optional(),
    venue: createVenueSchema.omit({ providerId: true }).openapi('ProvisionVenue'),
    shards: z
      .array(z.strictObject({ ref: refSchema, name: nameSchema }).openapi('ProvisionShard'))
      .max(SHARDS_MAX)
      .optional(),
    resources: z.array(resourceOfProviderSchema).max(RESOURCES_MAX),
    services: z.array(serviceOfProviderSchema).max(SERVICES_MAX),
    payoutAccount: openAccountSchema.optional(),
  })
  .openapi('Provision');

const placedSchema = z.strictObject({ ref: z.string(), id: z.string() });

const provisioningFields = {
  id: z.string(),
  status: z.enum(['making', 'done', 'undoing', 'undone']),
  providerId: z.string().nullable(),
  venueId: z.string().nullable(),
  staff: z.array(z.string()).openapi({ description: 'User ids, in the order asked.' }),
  shards: z.array(placedSchema),
  resources: z.array(placedSchema),
  services: z.array(placedSchema.extend({ availabilityRuleIds: z.array(z.string()) })),
  createdAt: instantSchema,
};

export const provisioningSchema = z.strictObject(provisioningFields).openapi('Provisioning');

export const provisionedSchema = z
  .strictObject({
    ...provisioningFields,
    // A union, because the document would call the schema itself nullable otherwise, wherever else it is used.
    payoutAccount: z.union([onboardingSchema, z.null()]).openapi({
      description: 'Where the provider goes on; null where no account was asked for or opened.',
    }),
    payoutRefusal: z.strictObject({ code: z.string(), detail: z.string() }).nullable().openapi({
      description: 'Why the processor opened no account; everything else is there all the same.',
    }),
  })
  .openapi('Provisioned');

export type ProvisionBody = z.infer<typeof provisionSchema>;
export type ProvisionServiceBody = ProvisionBody['services'][number];
export type ProvisioningView = z.infer<typeof provisioningSchema>;
