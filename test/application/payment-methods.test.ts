/** Saved methods over the store in memory. */
import { createIdCodec } from '../../src/platform/id-codec.ts';
import { seededEntropy } from '../support/fake-clock.ts';
import { MemoryPaymentMethods } from '../support/memory-payment-methods.ts';
import { ID_SECRET } from '../support/node-shard.ts';
import { describeSavedMethods } from '../support/saved-methods.case.ts';

describeSavedMethods('in memory', async () => {
  const store = new MemoryPaymentMethods();
  return {
    store,
    ids: createIdCodec(ID_SECRET, seededEntropy(5)),
    subscribeWith: async (_userId, methodRef) => {
      store.inUse.add(methodRef);
    },
    trail: async (id) => store.trail(id),
  };
});
