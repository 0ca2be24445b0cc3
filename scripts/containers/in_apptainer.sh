# Source this in a SLURM script to start its runs in a container:
#   'hydra.launcher.setup=["export APPTAINER_BIND=/shared","source /shared/in_apptainer.sh /shared/wavspa.sif"]'
# The wavspa in the container trains; the one outside, which has SLURM's commands, requeues.
WAVSPA_IMAGE=$1

srun() {
    local options=()
    while [[ $1 == --* ]]; do
        options+=("$1")
        shift
    done
    shift # the Python of the machine that wrote the script
    command srun "${options[@]}" apptainer exec --nv "$WAVSPA_IMAGE" python "$@"
}
