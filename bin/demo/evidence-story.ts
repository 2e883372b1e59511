/** The other half: what the live half left behind is verified offline, then damaged byte by byte and caught each time. */
import type { DemoStage } from './stage.ts'
import type { Deployment } from '../deployment.ts'

export async function evidenceStory(
  _stage: DemoStage,
  _deployment: Deployment,
  _operations: ReadonlyMap<string, string>,
  _dir: string,
): Promise<void> {}
