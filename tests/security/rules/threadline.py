# ruleid: desk-http-in-one-place
client = httpx.AsyncClient(timeout=5)
# ok: desk-http-in-one-place
timeout = httpx.Timeout(5)

# ruleid: slack-client-says-what-it-repeats
careless = AsyncWebClient("token")
# ok: slack-client-says-what-it-repeats
careful = AsyncWebClient("token", retry_handlers=[])

# ruleid: scripts-run-in-the-store
client.eval("return 1", 0)

# ruleid: no-text-or-secret-in-logs
log.info("said %s", message.text)
# ruleid: no-text-or-secret-in-logs
self.log.error(f"failed {x}")
# ruleid: no-text-or-secret-in-logs
log.warning("odd", extra={"why": payload})
# ok: no-text-or-secret-in-logs
log.warning("odd", extra={"lane": lease.lane})

# ruleid: nothing-is-unpickled
import pickle
# ruleid: nothing-is-unpickled
yaml.load(x)
# ok: nothing-is-unpickled
yaml.safe_load(x)

# ruleid: no-mrkdwn
block = {"type": "mrkdwn", "text": words}
# ok: no-mrkdwn
block = {"type": "plain_text", "text": words}
