"""Hydra's way to the configs of installed plugins. Imported at every start of any Hydra application: nothing heavy.

One source stands for the folders of all plugins. With one for each, Hydra would look through all of them for each of
the fifty files that a config is composed of.
"""

from pathlib import Path

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin


class BakeoffPluginConfigSource(ConfigSource):
    """The config options of all plugins. Asked for one that two plugins bring, it raises ``ConfigError``."""

    @staticmethod
    def scheme() -> str:
        """Scheme with which the paths of this source start."""
        return "bakeoff-plugins"

    def available(self) -> bool:
        """Always true: the source exists whenever a plugin is installed."""
        return True

    def load_config(self, config_path: str) -> ConfigResult:
        """The option, from the folder of its plugin."""
        from bakeoff import plugins

        plugin, folder = plugins.file_of(config_path.removesuffix(".yaml"))
        return FileConfigSource(str(plugin), f"file://{folder}").load_config(config_path)

    def is_config(self, config_path: str) -> bool:
        """Return whether a plugin brings such an option."""
        from bakeoff import plugins

        return config_path.removesuffix(".yaml") in plugins.options()

    def is_group(self, config_path: str) -> bool:
        """Return whether a plugin brings an option of that group, or of one below it."""
        from bakeoff import plugins

        return not config_path or any(option.startswith(f"{config_path}/") for option in plugins.options())

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Options and groups in a group, as the filter asks."""
        from bakeoff import plugins

        start = f"{config_path}/" if config_path else ""
        inside = [option.removeprefix(start) for option in plugins.options() if option.startswith(start)]
        groups = {name.partition("/")[0] for name in inside if "/" in name}
        configs = {name for name in inside if "/" not in name}
        if results_filter is None:
            return sorted(groups | configs)
        return sorted(groups if results_filter == ObjectType.GROUP else configs)


class BakeoffPluginConfigs(SearchPathPlugin):
    """Appends the configs of plugins to bakeoff's own; any other application keeps its search path."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append them, where the application is bakeoff and there are any."""
        from bakeoff.config.shipped import conf_dir

        main = [entry.path.removeprefix("file://") for entry in search_path.get_path() if entry.provider == "main"]
        if not any(Path(path).resolve() == conf_dir().resolve() for path in main):
            return
        from bakeoff import plugins

        if plugins.options():
            search_path.append(plugins.PROVIDER, f"{BakeoffPluginConfigSource.scheme()}://")
