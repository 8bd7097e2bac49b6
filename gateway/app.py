"""The composition root: the ASGI application out of a runtime, built here, once."""

from collections.abc import Mapping
from functools import partial

from connexion import FlaskApp
from connexion.middleware.exceptions import ExceptionMiddleware
from connexion.middleware.security import SecurityMiddleware
from connexion.resolver import Resolver

from gateway import specification
from gateway.bridge import Bridge, Wait
from gateway.checks import Checks
from gateway.clocks import Clocks
from gateway.conformance import api as conformance
from gateway.conformance.api import Checking
from gateway.dispatch import api as dispatch
from gateway.endpoints import api as endpoints
from gateway.endpoints import recoveries
from gateway.front import KINDS, Handler, Problems, check_handlers, handlers
from gateway.guard import BodyGuard, See, nobody
from gateway.ids import new_id
from gateway.intake import api as intake
from gateway.intake import doors
from gateway.jobs import api as jobs
from gateway.jobs import consumers, feed
from gateway.oauth.assembly import OAuth
from gateway.oauth.security import check_protection
from gateway.ops import api as ops
from gateway.ops import metrics
from gateway.problems import api as problem_pages
from gateway.quota import Quota, RateLimits
from gateway.requestlog import api as requestlog
from gateway.routes import Routes
from gateway.runtime import Runtime
from gateway.sandbox import api as sandbox
from gateway.sandbox import keys as sandbox_keys
from gateway.sandbox.chaos import api as chaos
from gateway.sandbox.chaos.requests import Disturbances
from gateway.sandbox.checkpoints import api as checkpoints
from gateway.sandbox.clock import api as clock
from gateway.sandbox.inbox import api as inbox
from gateway.sandbox.inbox import waiting
from gateway.waiting import Waiting

# operationId: the handler. Each takes a Call and the parameters of its path.
OPERATIONS: Mapping[str, Handler] = {
    handler.__name__: handler
    for handler in (
        intake.create_order,
        doors.receive,
        doors.receive_notification,
        jobs.list_orders,
        jobs.get_order,
        jobs.list_jobs,
        jobs.get_job,
        jobs.list_job_events,
        jobs.cancel_job,
        jobs.get_lifecycle,
        feed.list_events,
        feed.get_event,
        feed.list_event_consumers,
        feed.acknowledge_events,
        feed.forget_event_consumer,
        endpoints.list_webhook_endpoints,
        endpoints.create_webhook_endpoint,
        endpoints.get_webhook_endpoint,
        endpoints.change_webhook_endpoint,
        endpoints.delete_webhook_endpoint,
        endpoints.list_deliveries,
        endpoints.retry_delivery,
        endpoints.rotate_webhook_secret,
        endpoints.get_webhook_keys,
        recoveries.recover_webhook_endpoint,
        recoveries.list_recoveries,
        recoveries.get_recovery,
        recoveries.cancel_recovery,
        recoveries.list_dead_letters,
        dispatch.list_fulfilment_jobs,
        dispatch.get_fulfilment_job,
        dispatch.transition_job,
        sandbox_keys.list_sandbox_keys,
        sandbox_keys.create_sandbox_key,
        sandbox_keys.revoke_sandbox_key,
        sandbox.list_sandbox_steps,
        sandbox.take_sandbox_step,
        sandbox.run_sandbox_job,
        sandbox.list_sandbox_scenarios,
        sandbox.run_sandbox_scenario,
        sandbox.list_sandbox_runs,
        sandbox.get_sandbox_run,
        sandbox.pause_sandbox_run,
        sandbox.resume_sandbox_run,
        sandbox.stop_sandbox_run,
        sandbox.reset_sandbox,
        checkpoints.create_sandbox_checkpoint,
        checkpoints.list_sandbox_checkpoints,
        checkpoints.delete_sandbox_checkpoint,
        chaos.start_sandbox_chaos,
        chaos.list_sandbox_chaos,
        chaos.stop_sandbox_chaos,
        chaos.stop_all_sandbox_chaos,
        clock.get_sandbox_clock,
        clock.change_sandbox_clock,
        inbox.read_sandbox_inbox,
        requestlog.list_sandbox_requests,
        requestlog.get_sandbox_request,
        conformance.check_receiver,
        problem_pages.list_problems,
        problem_pages.get_problem,
        ops.get_live,
        ops.get_ready,
        metrics.get_metrics,
    )
}

# Operations that anybody may call. Everything else in the specification must ask for a token.
PUBLIC = frozenset({"get_live", "get_ready", "get_webhook_keys", "list_problems", "get_problem"})


def create_app(runtime: Runtime, oauth: OAuth, *, threads: int, see: See = nobody) -> BodyGuard:
    """The whole application. Raises where the specification leaves a door open, or promises what nothing serves."""
    document = specification.served_by_connexion()
    operations = {**OPERATIONS, **doors.conversations(document)}
    check_protection(document, PUBLIC)
    check_handlers(document, operations)
    settings, problems, quota = runtime.settings, Problems(runtime, document), Quota(runtime.settings)
    connexion = FlaskApp(
        __name__,
        middlewares=[
            ExceptionMiddleware,
            Routes,
            SecurityMiddleware,
            partial(RateLimits, quota=quota),
            partial(Clocks, runtime=runtime),
            partial(Disturbances, runtime=runtime),
            Checks,
        ],
        resolver=Resolver(operations.__getitem__),
        security_map=dict(oauth.security_map),
    )
    connexion.add_api(document)
    for kind in KINDS:
        connexion.add_error_handler(kind, problems.outside)
    connexion.app.register_blueprint(oauth.routes)
    served = handlers(runtime, operations, problems)
    waits: Mapping[str, Wait] = {
        "list_events": Waiting(runtime, partial(consumers.seek, runtime.vault), consumers.found),
        "get_sandbox_clock": Waiting(runtime, clock.seek, clock.found),
        "read_sandbox_inbox": Waiting(runtime, partial(waiting.seek, runtime.vault), waiting.found),
        "check_receiver": Checking(runtime),
    }
    # Connexion offers no other way to replace a2wsgi, whose ten threads and many hops cost a third of the throughput.
    bridge = Bridge(served, connexion.app.wsgi_app, threads=threads, waits=waits)
    connexion._middleware_app.asgi_app = bridge
    # Built now rather than with the first request: what is wrong with the specification stops the start.
    front, _ = connexion.middleware._build_middleware_stack()
    connexion.app.register_error_handler(Exception, problems.inside)
    return BodyGuard(
        front,
        base_url=settings.public_url,
        new_request_id=lambda: new_id("req", runtime.clock()),
        close=quota.close,
        release=bridge.release,
        see=see,
    )
