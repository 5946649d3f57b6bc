/** A call to an object is repeated when that may help, never when the object sheds load, and always on a new stub. */
import { describe, expect, it } from 'vitest';
import { systemEntropy } from '../../src/platform/entropy.ts';
import { ObjectOverloadedError, createObjectDirectory } from '../../src/platform/objects.ts';

const SHARD = { global: 'g01234567', eu: 'e01234567' };

/** A namespace whose stubs fail with the given errors in turn, then answer with their name. */
function makeNamespace(failures: Error[] = []) {
  const stubs: string[] = [];
  const home = (place: string): DurableObjectNamespace => {
    const getByName = (name: string, options: { locationHint?: string } = {}) => {
      stubs.push([place, name, options.locationHint].filter(Boolean).join('/'));
      return {
        getSlot: async (id: string) => {
          const failure = failures.shift();
          if (failure !== undefined) throw failure;
          return { ok: true, value: `${name} ${id}` };
        },
        usage: async () => name,
      };
    };
    return { getByName, jurisdiction: home } as unknown as DurableObjectNamespace;
  };
  return { namespace: home('anywhere'), stubs };
}

function directoryOver(failures: Error[] = [], hasJurisdictions = true) {
  const { namespace, stubs } = makeNamespace(failures);
  const pauses: number[] = [];
  const directory = createObjectDirectory({
    inventory: namespace,
    membership: namespace,
    promotion: namespace,
    hasJurisdictions,
    entropy: systemEntropy,
    pause: async (ms) => {
      pauses.push(ms);
    },
  });
  return { directory, stubs, pauses };
}

const flagged = (flags: object): Error => Object.assign(new Error('failed'), flags);

describe('finding objects', () => {
  it('keeps those of the EU there, and places them near their venue', async () => {
    const { directory, stubs } = directoryOver();
    await directory.shard(SHARD.eu, 'weur').getSlot('slt_1');
    await directory.shard(SHARD.global).getSlot('slt_1');
    await directory.member('usr_e123').usage();
    expect(stubs).toEqual([`eu/${SHARD.eu}/weur`, `anywhere/${SHARD.global}`, 'eu/usr_e123']);
  });

  it('goes by the name alone where the runtime has no jurisdictions', async () => {
    const { directory, stubs } = directoryOver([], false);
    await directory.shard(SHARD.eu).getSlot('slt_1');
    expect(stubs).toEqual([`anywhere/${SHARD.eu}`]);
  });

  it('names no object that is no shard', () => {
    expect(() => directoryOver().directory.shard('nowhere')).toThrow(/its key/);
  });

  it('can be handed on by an async function', async () => {
    const { directory } = directoryOver();
    const shard = await Promise.resolve(directory.shard(SHARD.global));
    expect(await shard.getSlot('slt_1')).toEqual({ ok: true, value: `${SHARD.global} slt_1` });
  });
});

describe('calling objects', () => {
  it('repeats on a new stub while the failure may pass', async () => {
    const { directory, stubs, pauses } = directoryOver([
      flagged({ retryable: true }),
      flagged({ retryable: true }),
    ]);
    expect(await directory.shard(SHARD.global).getSlot('slt_1')).toMatchObject({ ok: true });
    expect(stubs).toHaveLength(3);
    expect(pauses[0]).toBeLessThan(20);
    expect(pauses[1]).toBeLessThan(40);
  });

  it('gives up after three calls', async () => {
    const failures = Array.from({ length: 4 }, () => flagged({ retryable: true }));
    const { directory, stubs } = directoryOver(failures);
    await expect(directory.shard(SHARD.global).getSlot('slt_1')).rejects.toThrow('failed');
    expect(stubs).toHaveLength(3);
  });

  it('repeats nothing else', async () => {
    const { directory, stubs } = directoryOver([flagged({})]);
    await expect(directory.shard(SHARD.global).getSlot('slt_1')).rejects.toThrow('failed');
    expect(stubs).toHaveLength(1);
  });

  it('says that an object sheds load, without another call', async () => {
    const { directory, stubs } = directoryOver([flagged({ retryable: true, overloaded: true })]);
    await expect(directory.shard(SHARD.global).getSlot('slt_1')).rejects.toThrow(
      ObjectOverloadedError,
    );
    expect(stubs).toHaveLength(1);
  });
});
