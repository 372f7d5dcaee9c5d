"""Variables of launchers. Oracle: their documentation."""

import pytest

from glassnet.errors import ConfigError
from glassnet.processes.launchers import Launch, find_launch

GLASSNET = {
    "GLASSNET_COORDINATOR": "node1:12345",
    "GLASSNET_PROCESSES": "4",
    "GLASSNET_PROCESS": "3",
}
SLURM = {
    "SLURM_JOB_ID": "77",
    "SLURM_STEP_NODELIST": "node[1-2]",
    "SLURM_NTASKS": "2",
    "SLURM_PROCID": "1",
    "SLURM_LOCALID": "0",
}
OPEN_MPI = {"OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_RANK": "5"}
KUBERNETES = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "2"}


@pytest.mark.parametrize(
    ("environment", "launch"),
    [
        ({}, None),
        (GLASSNET, Launch("glassnet launch", 4, 3, "node1:12345")),
        (GLASSNET | SLURM, Launch("glassnet launch", 4, 3, "node1:12345")),
        (SLURM, Launch("SLURM", 2, 1, None, "slurm")),
        ({"SLURM_JOB_ID": "77", "SLURM_NTASKS": "1"}, None),
        (
            OPEN_MPI | {"OMPI_MCA_orte_hnp_uri": "7.0;tcp://10.0.0.1:3"},
            Launch("Open MPI", 8, 5, None, "ompi"),
        ),
        (OPEN_MPI | {"JAX_COORDINATOR_ADDRESS": "n:1"}, Launch("Open MPI", 8, 5, "n:1")),
        (OPEN_MPI | {"GLASSNET_COORDINATOR": "n:1"}, Launch("Open MPI", 8, 5, "n:1")),
        ({"PMI_SIZE": "1", "PMI_RANK": "0"}, Launch("MPI", 1, 0)),
        (KUBERNETES, Launch("Kubernetes", 0, 2, None, "k8s")),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, None),  # a notebook in a pod
    ],
)
def test_launchers_are_found(environment, launch):
    assert find_launch(environment) == launch


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"GLASSNET_PROCESS": "0"}, "missing=['GLASSNET_COORDINATOR', 'GLASSNET_PROCESSES']"),
        (GLASSNET | {"GLASSNET_PROCESS": "one"}, "GLASSNET_PROCESS. Received: value='one'"),
        ({"SLURM_JOB_ID": "77", "SLURM_NTASKS": "4"}, "Start it with srun: srun python train.py."),
        (OPEN_MPI, "mpirun -x GLASSNET_COORDINATOR=node1:12345 -n 8 python train.py."),
    ],
)
def test_incomplete_variables_say_what_to_do(environment, text):
    with pytest.raises(ConfigError) as caught:
        find_launch(environment)
    assert text in str(caught.value)
