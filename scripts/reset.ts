/** `npm run reset`: clears the state folder. Refuses while an instance uses it, and a folder that is not ours. */
import { existsSync, readdirSync } from 'node:fs';
import { takeInstanceLock } from './local/instance-lock.ts';
import { killRecorded } from './local/recorded-process.ts';
import { StartRefused, readSettings } from './local/settings.ts';
import { clearStateFolder, isStateFolder, stateFolderAt } from './local/state-folder.ts';

async function reset(root: string): Promise<string> {
  if (!existsSync(root) || readdirSync(root).length === 0) return `${root} holds nothing.`;
  if (!isStateFolder(root)) {
    throw new StartRefused(`${root} is not a state folder of Holdfast: nothing was deleted.`);
  }
  const folder = stateFolderAt(root);
  const lock = takeInstanceLock(folder.lockFile);
  if (lock === null) throw new StartRefused(`An instance is using ${root}: stop it first.`);
  try {
    await killRecorded(folder.runtimePidFile);
    await killRecorded(folder.simulatorsPidFile);
    clearStateFolder(root);
  } finally {
    lock.release();
  }
  return `${root} is cleared.`;
}

try {
  console.log(await reset(readSettings(process.env).stateDir));
} catch (error) {
  if (!(error instanceof StartRefused)) throw error;
  console.error(error.message);
  process.exit(1);
}
