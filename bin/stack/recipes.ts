/**
 * Which versitygw and which Temporal: versions, makers' archives and source packages.
 *
 * Guarantees: one place to change a version. `tools/devinfra/go.mod` must name the same ones, which a test checks.
 */
import { readFileSync } from 'node:fs'
import { runCommand } from './command.ts'
import type { Recipe } from './program.ts'
import { temporalServerVersion, versitygwVersion } from './version.ts'

const linux = process.platform === 'linux'

async function said(binary: string): Promise<string | null> {
  const { code, output } = await runCommand(binary, ['--version'], { withinMs: 10_000, env: {} })
  return code === 0 ? output : null
}

/**
 * `go install` leaves the version out of the program's own answer, but not out of the record Go puts into every
 * program.
 */
function recordedVersion(binary: string): string | null {
  const bytes = readFileSync(binary)
  const mark = 'mod\tgithub.com/versity/versitygw\tv'
  const at = bytes.indexOf(mark)
  if (at < 0) return null
  return /^\d+\.\d+\.\d+/.exec(bytes.toString('latin1', at + mark.length, at + mark.length + 20))?.[0] ?? null
}

const gatewayArch = { x64: 'x86_64', arm64: 'arm64' }[process.arch as string]
const gatewayName = `versitygw_v1.8.0_Linux_${gatewayArch}`

export const versitygw: Recipe = {
  part: 's3',
  file: 'versitygw',
  pinned: { version: '1.8.0', size: 'about 25 MB', reports: '1.8.0' },
  least: '1.8',
  async versionOf(binary) {
    const answer = await said(binary)
    return answer === null ? null : (versitygwVersion(answer) ?? recordedVersion(binary))
  },
  release:
    linux && gatewayArch !== undefined
      ? {
          base: 'https://github.com/versity/versitygw/releases/download/v1.8.0/',
          archive: `${gatewayName}.tar.gz`,
          path: `${gatewayName}/versitygw`,
        }
      : null,
  source: { package: 'github.com/versity/versitygw/cmd/versitygw', ldflags: '-X main.Version=v1.8.0' },
}

const temporalArch = { x64: 'amd64', arm64: 'arm64' }[process.arch as string]

/** Versions are the server's, which decides what workflows can rely on; the CLI around it counts on its own. */
export const temporal: Recipe = {
  part: 'temporal',
  file: 'temporal',
  pinned: { version: '1.5.1', size: 'about 70 MB', reports: '1.29.1' },
  least: '1.29',
  async versionOf(binary) {
    const answer = await said(binary)
    return answer === null ? null : temporalServerVersion(answer)
  },
  release:
    linux && temporalArch !== undefined
      ? {
          base: 'https://github.com/temporalio/cli/releases/download/v1.5.1/',
          archive: `temporal_cli_1.5.1_linux_${temporalArch}.tar.gz`,
          path: 'temporal',
        }
      : null,
  source: {
    package: 'github.com/temporalio/cli/cmd/temporal',
    ldflags: '-X github.com/temporalio/cli/temporalcli.Version=1.5.1',
  },
}
