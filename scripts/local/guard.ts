/**
 * Ends the runtime and the simulators when the supervisor is gone. It waits on a pipe that only the supervisor holds:
 * the pipe closes however the supervisor ends, `kill -9` included, and nothing keeps serving its port for ever.
 * Argument: the state folder. A supervisor that ended in order has left no records, and then there is nothing to do.
 */
import { killRecorded } from './recorded-process.ts';
import { readJson, stateFolderAt } from './state-folder.ts';

const [root, supervisorPid] = process.argv.slice(2);
if (root === undefined || supervisorPid === undefined) throw new Error('Name folder and process.');

// The terminal sends its signals to the whole group; the guard leaves when the supervisor has left.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

process.stdin.resume();
process.stdin.once('close', () => void endOrphans(root, supervisorPid));

async function endOrphans(stateDir: string, ownPid: string): Promise<void> {
  const folder = stateFolderAt(stateDir);
  if (isSucceeded(readJson(folder.runFile), ownPid)) return;
  await killRecorded(folder.runtimePidFile);
  await killRecorded(folder.simulatorsPidFile);
}

/** Whether another supervisor runs on the folder by now: it has ended the orphans, and the records are its own. */
function isSucceeded(run: unknown, ownPid: string): boolean {
  if (typeof run !== 'object' || run === null || !('supervisorPid' in run)) return false;
  return String(run.supervisorPid) !== ownPid;
}
