/** The id of an operation's run, as Temporal's own tools name it. */
export function workflowIdOf(tenantId: string, operationId: string): string {
  return `${tenantId}/${operationId}`
}
