"""Our defaults go before nobody's choice: the server reads them first."""

from tasks.embedded_postgres import config_file

# As initdb and an earlier build left it.
OLD = """\
# -----------------------------
#port = 5432
max_connections = 100\t\t\t# (change requires restart)
shared_buffers = 128MB\t\t\t# min 128kB
dynamic_shared_memory_type = posix\t# the default is usually the first option
checkpoint_timeout = 15min\t\t# range 30s-1d
max_wal_size = 4GB
min_wal_size = 80MB
autovacuum_vacuum_scale_factor = 0.05\t# fraction of table size before vacuum
work_mem = 12MB
log_timezone = 'UTC'
wal_compression = off\t\t\t# enables compression of full-page writes;
"""


def active(data):
    lines = (data / "postgresql.conf").read_text().splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def test_lines_that_nobody_chose_give_way_and_the_others_stay(tmp_path):
    main = tmp_path / "postgresql.conf"
    main.write_text(OLD)
    config_file.write(tmp_path, {"shared_buffers": "3072MB"}, None)
    assert active(tmp_path) == [
        "include_if_exists = 'sluicegate.conf'",
        "max_connections = 100",
        "dynamic_shared_memory_type = posix",
        "work_mem = 12MB",
        "log_timezone = 'UTC'",
    ]
    assert "\nshared_buffers = '3072MB'\n" in (tmp_path / "sluicegate.conf").read_text()
    assert len(main.read_text().splitlines()) == len(OLD.splitlines()) + 1


def test_what_somebody_changed_stays(tmp_path):
    main = tmp_path / "postgresql.conf"
    main.write_text("shared_buffers = 1GB\nmax_wal_size = '8GB' # mine\nAutovacuum_naptime=30s\n")
    config_file.write(tmp_path, {"shared_buffers": "3072MB"}, None)
    assert active(tmp_path)[1:] == ["shared_buffers = 1GB", "max_wal_size = '8GB'", "Autovacuum_naptime=30s"]


def test_the_file_is_gone_through_once_so_that_our_own_value_can_be_chosen_and_our_line_removed(tmp_path):
    main = tmp_path / "postgresql.conf"
    main.write_text(OLD)
    config_file.write(tmp_path, {"shared_buffers": "3072MB"}, None)
    chosen = main.read_text() + "shared_buffers = 128MB\n"
    main.write_text(chosen)
    config_file.write(tmp_path, {"shared_buffers": "64MB"}, None)
    assert main.read_text() == chosen
    without = chosen.replace("include_if_exists", "#include_if_exists")
    main.write_text(without)
    config_file.write(tmp_path, {"shared_buffers": "64MB"}, None)
    assert main.read_text() == without


def test_bytes_that_are_no_text_are_left_as_they_are(tmp_path):
    main = tmp_path / "postgresql.conf"
    main.write_bytes(b"# gr\xfc\xdfe\nwork_mem = 1MB\n")
    config_file.write(tmp_path, {}, None)
    assert main.read_bytes().endswith(b"# gr\xfc\xdfe\nwork_mem = 1MB\n")
