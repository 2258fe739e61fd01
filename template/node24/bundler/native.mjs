/** What brings programs of its own, and so cannot be part of a file of JavaScript: it lies in the layer that all functions share. */
export const NATIVE = ['@node-rs/jieba', 'node-llama-cpp', 'onnxruntime-node', 'sqlite-vec']
