/** The workflow types a worker hosts. */
export { reconcile, seal } from './keeping.ts'
export { governedOperation } from './operation.ts'
export { review } from './reviewing.ts'
