"""The files of deploy/ agree with the programme and with each other, and hold no secret.

Whether a checker of each kind takes them is judged by .ci/deploy-judges; what proxies do, by test_deploy_proxies.py.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from typer.main import get_command

from adapters.slack.package.manifest import PATH as SLACK
from adapters.teams.package.build import PATH as TEAMS
from bot import config
from bot.cli.main import app
from tests.deploy.proxies import SAMPLES
from tests.stories.serve import at_home

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and "secrets" not in path.parts)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
ROUTES = {SLACK, TEAMS, "/slack/install", "/slack/oauth_redirect"}
PUBLIC, OPS = (config.Settings.model_fields[name].default.rpartition(":")[2] for name in ("bind", "ops_bind"))
DRAIN = 25  # seconds a stop may take
UID = 10001
KNOWN = {*config.NAMES, *(f"{name}_FILE" for name in config.NAMES)}


def read(name: str) -> str:
    return (DEPLOY / name).read_text("utf-8")


def loaded(name: str) -> Any:
    return yaml.safe_load(read(name))


def kubernetes() -> list[dict[str, Any]]:
    """Every object, of either kustomization."""
    paths = [path for path in (DEPLOY / "kubernetes").rglob("*.yaml") if path.name != "kustomization.yaml"]
    return [found for path in sorted(paths) for found in yaml.safe_load_all(path.read_text("utf-8"))]


def objects(kind: str) -> list[dict[str, Any]]:
    found = [each for each in kubernetes() if each["kind"] == kind]
    assert found
    return found


def pods() -> list[dict[str, Any]]:
    jobs = [each["spec"]["jobTemplate"] for each in objects("CronJob")]
    return [each["spec"]["template"]["spec"] for each in (*objects("Deployment"), *objects("Job"), *jobs)]


def containers() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every container, with its pod."""
    return [(pod, each) for pod in pods() for each in (*pod.get("initContainers", ()), *pod["containers"])]


def ours(compose: str) -> dict[str, dict[str, Any]]:
    """The services that run our image."""
    services = loaded(compose)["services"]
    return {name: each for name, each in services.items() if each["image"].startswith("peersupport:")}


def unit(name: str) -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string(read(f"systemd/{name}"))
    return parser


# ---------------------------------------------------------------- settings and secrets


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_setting_is_one(path):
    names = set(re.findall(r"\b(?:PEERSUPPORT|SLACK|TEAMS)_[A-Z_]+\b", path.read_text("utf-8")))
    assert names <= KNOWN


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_no_secret_stands_in_a_file(path):
    text = path.read_text("utf-8")
    for name in (*config.SECRETS, "POSTGRES_PASSWORD"):
        assert not re.search(rf"\b{name}\b(?!_FILE)\s*[:=]", text), name
    assert not re.search(r"xox[a-z]-\w|xapp-\w|PRIVATE KEY|\b[A-Za-z0-9+/]{43}=|://[^\s:@/]+:[^\s@A-Z]+@", text)
    assert "kind: Secret" not in text


def test_no_secret_can_be_committed_or_reach_the_image():
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    ignored, *admitted = [
        line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and not line.startswith("#")
    ]
    assert ignored == "*"
    assert [line for line in admitted if line.startswith("!")] == [
        *("!pyproject.toml", "!README.md", "!LICENSE"),
        *("!conversations", "!adapters", "!bot", "!tests", "!tests/scenarios"),
    ]
    assert admitted.index("tests/*") < admitted.index("!tests/scenarios")


@pytest.mark.parametrize("compose", ["compose.yaml", "compose.postgres.yaml"])
def test_a_file_that_a_setting_names_is_a_secret_of_that_service(compose):
    everything = loaded(compose)
    for name, service in ours(compose).items():
        named = {value for key, value in service["environment"].items() if key.endswith("_FILE")}
        assert named == {f"/run/secrets/{secret}" for secret in service["secrets"]}, name
    used = {_secret(each) for service in everything["services"].values() for each in service["secrets"]}
    assert used == set(everything["secrets"])


def _secret(given: str | dict[str, str]) -> str:
    return given if isinstance(given, str) else given["source"]


def test_a_credential_that_a_setting_names_is_handed_over():
    for path in (DEPLOY / "systemd").rglob("*.conf"):
        text = path.read_text("utf-8")
        given = dict(re.findall(r"^LoadCredential=([\w.-]+):(\S+)$", text, re.MULTILINE))
        assert set(given) == set(re.findall(r"^Environment=\w+_FILE=%d/(\S+)$", text, re.MULTILINE)), path.name
        assert all(place == f"/etc/peersupport/{name}" for name, place in given.items())


def test_the_secrets_of_a_pod_are_files_that_are_mounted():
    for pod, container in containers():
        mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        (volume,) = (each for each in pod["volumes"] if "secret" in each)
        for given in container["env"]:
            assert "valueFrom" not in given
            if given["name"].endswith("_FILE"):
                assert given["value"].startswith(mounted[volume["name"]] + "/")


# ---------------------------------------------------------------- where it listens, and who may come in


@pytest.mark.parametrize("sample", sorted(SAMPLES.iterdir()), ids=lambda path: path.name)
def test_a_proxy_lets_in_the_four_routes(sample):
    code = re.sub(r"(?m)#.*$", "", sample.read_text("utf-8"))
    assert set(re.findall(r"(?<=\s)/(?:slack|api)/\w+", code)) == ROUTES
    assert f":{PUBLIC}" in code


def test_the_ingress_lets_in_the_four_routes():
    (ingress,) = objects("Ingress")
    (rule,) = ingress["spec"]["rules"]
    assert {each["path"] for each in rule["http"]["paths"]} == ROUTES
    assert {each["pathType"] for each in rule["http"]["paths"]} == {"Exact"}


def test_the_ops_port_is_published_nowhere():
    for compose in ("compose.yaml", "compose.postgres.yaml"):
        for service in loaded(compose)["services"].values():
            assert all(OPS not in port for port in service.get("ports", []))
    (service,) = objects("Service")
    assert [each["targetPort"] for each in service["spec"]["ports"]] == ["public"]
    (deployment,) = objects("Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert {each["name"]: str(each["containerPort"]) for each in container["ports"]} == {"public": PUBLIC, "ops": OPS}
    assert re.findall(r"(?m)^EXPOSE (.*)$", read("Containerfile")) == [PUBLIC]
    assert loaded("compose.yaml")["services"]["serve"]["ports"] == [f"127.0.0.1:{PUBLIC}:{PUBLIC}"]


def test_probes_ask_the_ops_port_and_only_liveness_may_kill():
    (deployment,) = objects("Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    probes = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {name: (each["path"], each["port"]) for name, each in probes.items()} == {
        "startupProbe": ("/livez", "ops"),
        "livenessProbe": ("/livez", "ops"),  # a platform that is down is no reason to be killed
        "readinessProbe": ("/readyz", "ops"),
    }
    assert "uri /readyz" in read("proxy/haproxy.cfg")


async def test_the_health_check_of_the_image_asks_the_programme_whether_it_lives(tmp_path):
    (found,) = re.findall(r"(?s)^HEALTHCHECK.*?CMD (\[.*?\])$", read("Containerfile"), re.MULTILINE)
    python, *arguments = json.loads(found)
    assert python == "python"
    async with at_home(tmp_path) as programme:
        port = programme.ops.rpartition(":")[2]
        asked = [each.replace(OPS, port) for each in arguments]
        assert await _ends(*asked) == 0
        for path in ("/livez", "/readyz"):
            async with aiohttp.ClientSession() as session, session.get(programme.ops + path) as answer:
                assert answer.status == 200
    assert await _ends(*asked) == 1


async def _ends(*arguments: str) -> int:
    ran = await asyncio.create_subprocess_exec(sys.executable, *arguments, stderr=asyncio.subprocess.DEVNULL)
    return await ran.wait()


# ---------------------------------------------------------------- stopping, starting, confinement


def test_a_stop_is_waited_for_longer_than_it_may_take():
    serve = unit("peersupport-serve.service")["Service"]
    assert int(serve["TimeoutStopSec"]) > DRAIN
    assert serve["KillSignal"] == "SIGTERM"
    for compose in ("compose.yaml", "compose.postgres.yaml"):
        assert int(loaded(compose)["services"]["serve"]["stop_grace_period"].removesuffix("s")) > DRAIN
    (deployment,) = objects("Deployment")
    pod = deployment["spec"]["template"]["spec"]
    before = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > DRAIN + before


def test_tables_are_brought_up_to_date_before_replicas_start():
    services = loaded("compose.postgres.yaml")["services"]
    assert services["serve"]["depends_on"] == {"db-upgrade": {"condition": "service_completed_successfully"}}
    assert services["serve"]["deploy"]["replicas"] == 2
    assert services["db-upgrade"]["environment"] == {
        name: value for name, value in services["serve"]["environment"].items() if "STORE" in name
    }


def test_a_rolling_deploy_always_leaves_two_and_a_drain_one():
    (deployment,), (budget,) = objects("Deployment"), objects("PodDisruptionBudget")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert budget["spec"]["minAvailable"] == 1
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for selector in (deployment["spec"]["selector"], budget["spec"]["selector"]):
        assert selector["matchLabels"].items() <= labels.items()
    (service,) = objects("Service")
    assert service["spec"]["selector"].items() <= labels.items()


def test_every_pod_is_confined():
    for pod, container in containers():
        assert pod["automountServiceAccountToken"] is False
        inside = pod["securityContext"]
        assert (inside["runAsNonRoot"], inside["runAsUser"], inside["fsGroup"]) == (True, UID, UID)
        assert inside["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_a_namespace_lets_nothing_in_or_out_that_is_not_named():
    (everything,) = (each for each in objects("NetworkPolicy") if each["metadata"]["name"] == "nothing")
    assert everything["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("compose", ["compose.yaml", "compose.postgres.yaml"])
def test_every_container_of_ours_is_confined(compose):
    for name, service in ours(compose).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"] == service["memswap_limit"]  # no swap
        assert service["ulimits"]["core"] == 0
        assert "privileged" not in service
    assert re.findall(r"(?m)^USER (.*)$", read("Containerfile")) == [f"{UID}:{UID}"]


@pytest.mark.parametrize("place", ["compose.yaml", "compose.postgres.yaml", "kubernetes", "systemd"])
def test_the_key_ring_lies_outside_the_store(place):
    path = DEPLOY / place
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    text = "".join(each.read_text("utf-8") for each in files)
    assert "/var/lib/peersupport-keys" in text
    assert "/var/lib/peersupport/keys" not in text


# ---------------------------------------------------------------- the files among themselves


def test_the_image_is_made_of_what_the_wheel_is_made_of():
    copied = set(re.findall(r"(?m)^COPY (?!--)(.*) \S+$", read("Containerfile")))
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], "pyproject.toml", PROJECT["project"]["readme"], "LICENSE"}
    assert {each for line in copied for each in line.split()} == needed


def test_one_version_stands_everywhere():
    tag = f"peersupport:{PROJECT['project']['version']}"
    found = [each for path in FILES for each in re.findall(r"peersupport:\d+\.[\w.]*", path.read_text("utf-8"))]
    assert len(found) >= 4
    assert set(found) == {tag}


@pytest.mark.parametrize("folder", ["kubernetes", "kubernetes/db-upgrade"])
def test_a_kustomization_names_every_file_beside_it(folder):
    named = loaded(f"{folder}/kustomization.yaml")
    files = {path.name for path in (DEPLOY / folder).glob("*.yaml")} - {"kustomization.yaml"}
    assert set(named["resources"]) == files
    for each in named.get("configMapGenerator", []):
        assert all((DEPLOY / folder / env).is_file() for env in each["envs"])


def test_whatever_is_run_is_a_command():
    lines = [
        *(line for path in (DEPLOY / "systemd").glob("*.service") for line in _started(path.read_text("utf-8"))),
        *(each["command"] for each in ours("compose.postgres.yaml").values() if "command" in each),
        *(each["args"] for _, each in containers() if "command" not in each),
        *map(json.loads, re.findall(r"(?m)^CMD (.*)$", read("Containerfile"))),
    ]
    assert ["serve"] in lines
    assert ["db", "upgrade"] in lines
    assert {words[0] for words in lines} >= {"backup", "restore", "move", "keys", "doctor"}  # each under systemd
    for words in lines:
        command: Any = get_command(app)
        for word in (word for word in words if not word.startswith(("-", "/", "$"))):  # / is a file, $ a value
            command = command.commands[word]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options


def _started(unit: str) -> list[list[str]]:
    lines = [shlex.split(line) for line in re.findall(r"(?m)^ExecStart=(.*)$", unit)]
    ours = [words for program, *words in lines if program == "/opt/peersupport/bin/peersupport"]
    assert ours
    return ours


WRITING = {"restore", "move", "move-undo", "keys-rotate", "keys-lost", "keys-start-again", "backup", "db-upgrade"}
"""What an operator may have to do once with the store or the keys: each is a unit, run as `serve` is."""


def test_whatever_writes_runs_under_systemd_as_the_service_s_user_with_its_folders_and_secrets():
    units = {path.stem: path for path in (DEPLOY / "systemd").glob("*.service")}
    assert units.keys() >= {f"peersupport-{name}" for name in (*WRITING, "serve", "doctor")}
    assert all(name.startswith("peersupport-") for name in units)  # those that peersupport-.service.d is about
    shared = unit("peersupport-.service.d/confinement.conf")["Service"]
    assert (shared["User"], shared["Group"]) == ("peersupport", "peersupport")
    assert shared["StateDirectory"].split() == ["peersupport", "peersupport-keys"]
    files = [*units.values(), *(DEPLOY / "systemd/peersupport-.service.d").iterdir()]
    for path in files:
        lines = re.findall(r"(?m)^(\w+)=(.*)$", path.read_text("utf-8"))
        said = {name for name, _ in lines}
        assert not said & {"DynamicUser", "PermissionsStartOnly", "RootDirectory"}, path.name
        assert path.name == "confinement.conf" or not said & {"User", "Group", "StateDirectory"}, path.name
        for name, command in lines:  # +, ! and !! before a program would start it as root
            assert not name.startswith("Exec") or command.startswith("/"), path.name
    for name in WRITING:
        assert unit(f"peersupport-{name}.service")["Service"]["Type"] == "oneshot"
        assert "Install" not in unit(f"peersupport-{name}.service")  # only by hand, or by a timer


def test_every_unit_is_named_where_an_operator_looks_for_it():
    page = (ROOT / "docs/deploying.md").read_text("utf-8")
    assert [path.stem for path in (DEPLOY / "systemd").glob("*.service") if path.stem not in page] == []


def test_each_night_a_backup_is_tried_before_it_has_its_name_and_lasts_as_long_as_its_key():
    text = read("systemd/peersupport-backup.service")
    made, tried, named, cleared = (shlex.split(line) for line in re.findall(r"(?m)^ExecStart=(.*)$", text))
    (folder,) = re.findall(r"(?m)^ReadWritePaths=(.*)$", text)
    _is_tried_first(folder, made[1:], tried[1:], named[-1], shlex.join(cleared))
    assert unit("peersupport-backup.timer")["Timer"]["OnCalendar"].endswith("UTC")  # as days of keys do

    (job,) = objects("CronJob")
    made, tried = (each["args"] for each in job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["initContainers"])
    (last,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    named, cleared = last["args"][0].splitlines()
    _is_tried_first("/backups", made, tried, named, cleared)
    assert job["spec"]["timeZone"] == "Etc/UTC"


def _is_tried_first(folder: str, made: list[str], tried: list[str], named: str, cleared: str) -> None:
    untried = f"{folder}/untried"
    assert made == ["backup", "--replace", untried]
    assert tried == ["verify", untried]
    assert re.fullmatch(rf'mv {untried} "{folder}/peersupport-.*"', named)
    (minutes,) = re.findall(rf"find {folder} -name '?peersupport-\*'? -type f -mmin \+(\d+) -delete$", cleared)
    days = int(config.Settings.model_fields["key_days"].default)
    assert days * 1440 < int(minutes) < (days + 1) * 1440  # run once a day
