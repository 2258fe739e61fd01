"""The parts of Qdrant's REST API (https://api.qdrant.tech/api-reference) that Lares uses, in front of Qdrant's own engine
as a library, whose server no package registry carries. One process, everything under one lock. Prints its port."""

import json
import os
import shutil
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import qdrant_edge as q

HOME = sys.argv[1]
shards = {}
lock = threading.Lock()


class Refused(Exception):
    def __init__(self, status, error):
        super().__init__(error)
        self.status = status


def config_of(body):
    hnsw = body.get("hnsw_config") or {}
    scalar = (body.get("quantization_config") or {}).get("scalar")
    vectors = body["vectors"]
    return q.EdgeConfig(
        vectors=q.EdgeVectorParams(
            size=vectors["size"],
            distance=getattr(q.Distance, vectors["distance"]),
            on_disk=vectors.get("on_disk"),
        ),
        hnsw_config=q.HnswIndexConfig(
            m=hnsw.get("m", 16),
            ef_construct=hnsw.get("ef_construct", 100),
            full_scan_threshold=hnsw.get("full_scan_threshold", 10_000),
            payload_m=hnsw.get("payload_m"),
        ),
        quantization_config=scalar
        and q.ScalarQuantizationConfig(
            type=q.ScalarType.Int8, quantile=scalar.get("quantile"), always_ram=scalar.get("always_ram")
        ),
    )


def filter_of(body):
    if body is None:
        return None
    return q.Filter(must=[q.FieldCondition(key=c["key"], match=q.MatchValue(c["match"]["value"])) for c in body["must"]])


def params_of(body):
    if body is None:
        return None
    quantization = body.get("quantization")
    return q.SearchParams(
        hnsw_ef=body.get("hnsw_ef"),
        exact=body.get("exact", False),
        quantization=quantization
        and q.QuantizationSearchParams(
            rescore=quantization.get("rescore"), oversampling=quantization.get("oversampling")
        ),
    )


def shard_of(name):
    if name not in shards:
        raise Refused(404, f"Not found: Collection `{name}` doesn't exist!")
    return shards[name]


def create(name, body):
    if name in shards:
        raise Refused(409, f"Wrong input: Collection `{name}` already exists!")
    path = os.path.join(HOME, name)
    os.makedirs(path)
    shards[name] = q.EdgeShard.create(path, config_of(body))
    return True


def drop(name):
    if name not in shards:
        return False
    shards.pop(name).close()
    shutil.rmtree(os.path.join(HOME, name))
    return True


def index(name, body):
    schema = body["field_schema"]
    params = q.KeywordIndexParams(is_tenant=schema.get("is_tenant"))
    shard_of(name).update(q.UpdateOperation.create_field_index(body["field_name"], params))
    return {"operation_id": 0, "status": "completed"}


def upsert(name, body):
    points = [q.Point(p["id"], p["vector"], p.get("payload")) for p in body["points"]]
    shard_of(name).update(q.UpdateOperation.upsert_points(points))
    return {"operation_id": 0, "status": "completed"}


def delete(name, body):
    if "points" in body:
        operation = q.UpdateOperation.delete_points(body["points"])
    else:
        operation = q.UpdateOperation.delete_points_by_filter(filter_of(body["filter"]))
    shard_of(name).update(operation)
    return {"operation_id": 0, "status": "completed"}


def query(name, body):
    found = shard_of(name).query(
        q.QueryRequest(
            limit=body["limit"],
            query=q.Query.Nearest(body["query"]),
            filter=filter_of(body.get("filter")),
            params=params_of(body.get("params")),
            with_payload=body.get("with_payload", False),
        )
    )
    points = [{"id": str(p.id), "version": p.version, "score": p.score, "payload": p.payload} for p in found]
    return {"points": points}


def scroll(name, body):
    points, following = shard_of(name).scroll(
        q.ScrollRequest(
            offset=body.get("offset"),
            limit=body["limit"],
            filter=filter_of(body.get("filter")),
            with_payload=body.get("with_payload", False),
            with_vector=body.get("with_vector", False),
        )
    )
    found = [{"id": str(p.id), "payload": p.payload, "vector": p.vector} for p in points]
    return {"points": found, "next_page_offset": following and str(following)}


def answer(method, path, body):
    parts = [unquote(part) for part in path.strip("/").split("/")]
    match method, parts:
        case "GET", ["collections"]:
            return {"collections": [{"name": name} for name in shards]}
        case "GET", ["collections", name, "exists"]:
            return {"exists": name in shards}
        case "PUT", ["collections", name]:
            return create(name, body)
        case "DELETE", ["collections", name]:
            return drop(name)
        case "PUT", ["collections", name, "index"]:
            return index(name, body)
        case "PUT", ["collections", name, "points"]:
            return upsert(name, body)
        case "POST", ["collections", name, "points", "delete"]:
            return delete(name, body)
        case "POST", ["collections", name, "points", "query"]:
            return query(name, body)
        case "POST", ["collections", name, "points", "scroll"]:
            return scroll(name, body)
        case "POST", ["collections", name, "points", "count"]:
            return {"count": shard_of(name).count(q.CountRequest(exact=True, filter=filter_of(body.get("filter"))))}
        # Not Qdrant's: a server optimizes by itself, the library when it is told to.
        case "POST", ["optimize", name]:
            return shard_of(name).optimize()
    raise Refused(404, "no such path")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do(self):
        started = time.time()
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        try:
            with lock:
                result = answer(self.command, urlsplit(self.path).path, body)
            status, sent = 200, {"result": result, "status": "ok"}
        except Refused as refused:
            status, sent = refused.status, {"status": {"error": str(refused)}}
        except Exception as error:
            status, sent = 500, {"status": {"error": str(error)}}
        data = json.dumps({**sent, "time": time.time() - started}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_DELETE = do

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
for name in os.listdir(HOME):
    shards[name] = q.EdgeShard.load(os.path.join(HOME, name))
print(server.server_port, flush=True)
server.serve_forever()
