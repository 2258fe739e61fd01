/**
 * Models: functions name a task, never a vendor. Drivers of text generation: `llama` (in process) and `openai` (any
 * OpenAI-compatible server). Drivers of embedding: `e5` (in process) and `openai/embeddings`.
 */
export type Models = TextGenerator & Embedder

export type Embedder = {
  /**
   * A vector of length 1 for each text, in their order. A text to search for or to classify is a `query`, a stored text
   * a `passage`. Vectors of different models cannot be compared, so a caller that stores a vector stores `model` with
   * it. Errors: `unavailable` (retryable) with the remedy, `rejected`.
   */
  embed(texts: readonly string[], kind: EmbeddingKind, signal?: AbortSignal): Promise<EmbeddingResult>
  close(): Promise<void>
}

export type EmbeddingKind = 'query' | 'passage'
export type EmbeddingResult = { model: string; vectors: Float32Array[] }

export type TextGenerator = {
  /**
   * Streams an answer. Errors: `unavailable`, `busy`, `deadline_exceeded` (retryable, with `retryAfterMs` if the server
   * gives it), `rejected`.
   */
  generate(task: 'text-generation', request: GenerateRequest): AsyncIterable<GenerateChunk>
  /** The capabilities of the model for a task, so that prompts fit it. */
  capabilities(task: 'text-generation'): Promise<Capabilities>
  /** Rejects with `unavailable` and the remedy. */
  check(): Promise<void>
  close(): Promise<void>
}

export type Capabilities = { model: string; tools: boolean; contextTokens: number }

export type ChatMessage =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string; toolCalls?: ToolCall[] }
  | { role: 'tool'; content: string; toolCallId: string }

export type ToolCall = { id: string; name: string; arguments: Record<string, unknown> }

/** `parameters` is a JSON Schema. */
export type Tool = { name: string; description: string; parameters: Record<string, unknown> }

export type GenerateRequest = {
  messages: ChatMessage[]
  tools?: Tool[]
  maxTokens?: number
  temperature?: number
  /** The same seed and request give the same answer if the model supports it. */
  seed?: number
  signal?: AbortSignal
}

export type Usage = { inputTokens: number; outputTokens: number }

/** `end` comes last, exactly once. */
export type GenerateChunk =
  | { kind: 'text'; text: string }
  | { kind: 'tool-call'; call: ToolCall }
  | { kind: 'end'; finishReason: 'stop' | 'length' | 'tool-calls'; usage: Usage; model: string }
