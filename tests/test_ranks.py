from wavspa.ranks import without_ranks


def test_ranks_and_where_they_meet_are_left_out():
    ranks = (
        "LOCAL_RANK",
        "RANK",
        "WORLD_SIZE",
        "MASTER_ADDR",
        "TORCHELASTIC_RUN_ID",
        "SLURM_PROCID",
    )
    kept = {"SLURM_JOB_ID": "1", "PATH": "/bin"}
    assert without_ranks({**dict.fromkeys(ranks, "1"), **kept}) == kept
