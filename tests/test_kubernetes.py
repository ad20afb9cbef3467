"""The manifests of docs/kubernetes name what is there: settings, commands, routes, metrics, and one another."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from django.core.management import get_commands
from django.urls import resolve

from minirag.operations import diagnosis

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())


def read_all() -> list[dict[str, Any]]:
    return [
        each
        for name in KUSTOMIZATION["resources"]
        for each in yaml.safe_load_all((FOLDER / name).read_text())
    ]


def find(kind: str, name: str) -> dict[str, Any]:
    return next(
        each for each in read_all() if each["kind"] == kind and each["metadata"]["name"] == name
    )


def list_containers() -> list[dict[str, Any]]:
    pods = [
        each["spec"]["template"]["spec"]
        for each in read_all()
        if each["kind"] in ("Deployment", "Job")
    ]
    return [each for pod in pods for each in [*pod.get("initContainers", []), *pod["containers"]]]


def test_every_file_is_part_of_the_base_but_for_the_secret_s_example():
    named = {*KUSTOMIZATION["resources"], "kustomization.yaml", "secret.example.yaml"}
    assert named == {path.name for path in FOLDER.iterdir()}


@pytest.mark.parametrize("version", ["1.30", kubernetes_validate.latest_version()])
def test_every_manifest_is_what_kubernetes_knows(version):
    secret = yaml.safe_load((FOLDER / "secret.example.yaml").read_text())
    for each in [*read_all(), secret]:
        kubernetes_validate.validate(each, version, strict=True)
    web = find("Deployment", "web")
    web["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["failureTreshold"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(web, version, strict=True)


def test_what_is_scaled_by_load_is_not_set_back_by_the_next_upgrade():
    scaled = [each for each in read_all() if each["kind"] == "HorizontalPodAutoscaler"]
    assert {each["spec"]["scaleTargetRef"]["name"] for each in scaled} == {"web", "worker"}
    for each in scaled:
        assert "replicas" not in find("Deployment", each["metadata"]["name"])["spec"]
        assert each["spec"]["minReplicas"] >= 2
        # pods that share a folder of metrics each tell the sum: an average over pods would never stop growing
        assert "Pods" not in {metric["type"] for metric in each["spec"]["metrics"]}


def test_settings_are_settings_of_ours():
    told = set(find("ConfigMap", "minirag")["data"])
    told |= set(yaml.safe_load((FOLDER / "secret.example.yaml").read_text())["stringData"])
    told |= {variable["name"] for each in list_containers() for variable in each.get("env", [])}
    documented = (ROOT / ".env.example").read_text()
    assert not [name for name in told if f"\n# {name}=" not in documented]
    assert {"SECRET_KEY", "JWT_SECRET_KEY", "ENCRYPTION_KEY", "DATABASE_URL", "REDIS_URL"} <= told


def test_commands_are_commands_of_ours_and_probes_ask_what_there_is():
    for each in list_containers():
        words = each["args"]
        if words[0] == "manage.py":
            assert words[1] in get_commands()
            parts = [part for option, part in itertools.pairwise(words) if option == "--part"]
            assert set(parts) <= set(diagnosis.CHECKS)
        else:
            assert words[1] in ("daphne", "celery")
        for probe in (
            each.get("livenessProbe"),
            each.get("readinessProbe"),
            each.get("startupProbe"),
        ):
            if probe and "httpGet" in probe:
                assert resolve(probe["httpGet"]["path"]) and probe["httpGet"]["port"] == "http"


def test_all_of_ours_run_without_rights_and_write_to_their_volumes_only():
    for each in list_containers():
        guarded = each["securityContext"]
        assert guarded["readOnlyRootFilesystem"] and guarded["capabilities"] == {"drop": ["ALL"]}
        assert {mount["mountPath"] for mount in each["volumeMounts"]} == {"/data", "/tmp"}
        assert (
            each["resources"]["limits"]["memory"]
            and each["image"] == KUSTOMIZATION["images"][0]["name"]
        )


def test_what_is_selected_scaled_and_reached_is_there():
    for each in read_all():
        spec = each.get("spec", {})
        if each["kind"] == "HorizontalPodAutoscaler":
            assert find(spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"])
            names = [
                metric[kind]["metric"]["name"]
                for metric in spec["metrics"]
                for kind in ("pods", "external")
                if kind in metric
            ]
            assert not [
                name
                for name in names
                if f"`{name}`" not in (ROOT / "docs" / "monitoring.md").read_text()
            ]
        if each["kind"] in ("Service", "PodDisruptionBudget"):
            chosen = spec["selector"].get("matchLabels", spec["selector"])
            assert (
                find("Deployment", chosen["part"])["spec"]["template"]["metadata"]["labels"]
                == chosen
            )
        if each["kind"] == "Ingress":
            assert find(
                "Service", spec["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
            )


def test_there_is_one_clock_and_streams_may_end_before_a_web_process_does():
    beat, web = find("Deployment", "beat")["spec"], find("Deployment", "web")["spec"]
    assert beat["replicas"] == 1 and beat["strategy"]["type"] == "Recreate"
    grace = float(find("ConfigMap", "minirag")["data"]["SHUTDOWN_GRACE_SECONDS"])
    assert web["template"]["spec"]["terminationGracePeriodSeconds"] > grace
    assert web["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
