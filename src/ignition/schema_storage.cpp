// Disks, file systems, files.
#include "ignition/schema_parts.h"

namespace diatom::ignition::schema {
namespace {

constexpr std::array kPartitionKeys{
    Key{"label", &kText},
    Key{"number", &kNumber},
    Key{.name = "sizeMiB", .type = &kNumber, .butane = "size_mib"},
    Key{.name = "startMiB", .type = &kNumber, .butane = "start_mib"},
    Key{"typeGuid", &kText},
    Key{"guid", &kText},
    Key{"wipePartitionEntry", &kFlag},
    Key{"shouldExist", &kFlag},
    Key{"resize", &kFlag, 2},
};
constexpr Type kPartition{.form = Form::object, .keys = kPartitionKeys};
constexpr Type kPartitions{.form = Form::list, .item = &kPartition, .same = Same::partition};
constexpr std::array kDiskKeys{Key{"device", &kText}, Key{"wipeTable", &kFlag}, Key{"partitions", &kPartitions}};
constexpr Type kDisk{.form = Form::object, .keys = kDiskKeys};
constexpr Type kDisks{.form = Form::list, .item = &kDisk, .same = Same::key, .key = "device"};

constexpr std::array kRaidKeys{
    Key{"name", &kText},     Key{"level", &kText},    Key{"devices", &kTexts},
    Key{"spares", &kNumber}, Key{"options", &kWords},
};
constexpr Type kRaid{.form = Form::object, .keys = kRaidKeys};
constexpr Type kRaids{.form = Form::list, .item = &kRaid, .same = Same::key, .key = "name"};

constexpr std::array kFileSystemKeys{
    Key{"device", &kText},
    Key{"format", &kText},
    Key{"path", &kText},
    Key{"wipeFilesystem", &kFlag},
    Key{"label", &kText},
    Key{"uuid", &kText},
    Key{"options", &kWords},
    Key{"mountOptions", &kWords, 1},
    Key{.name = "withMountUnit", .type = &kFlag, .only = Only::butane},
};
constexpr Type kFileSystem{.form = Form::object, .keys = kFileSystemKeys};
constexpr Type kFileSystems{.form = Form::list, .item = &kFileSystem, .same = Same::key, .key = "device"};

constexpr std::array kOwnerKeys{Key{"id", &kNumber}, Key{"name", &kText}};
constexpr Type kOwner{.form = Form::object, .keys = kOwnerKeys};
constexpr Type kFragments{.form = Form::list, .item = &kResource};
constexpr std::array kFileKeys{
    Key{"path", &kText},   Key{"overwrite", &kFlag}, Key{"contents", &kResource}, Key{"append", &kFragments},
    Key{"mode", &kNumber}, Key{"user", &kOwner},     Key{"group", &kOwner},
};
constexpr Type kFile{.form = Form::object, .keys = kFileKeys};
constexpr Type kFiles{.form = Form::list, .item = &kFile, .same = Same::key, .key = "path"};
constexpr std::array kDirectoryKeys{
    Key{"path", &kText}, Key{"overwrite", &kFlag}, Key{"mode", &kNumber}, Key{"user", &kOwner}, Key{"group", &kOwner},
};
constexpr Type kDirectory{.form = Form::object, .keys = kDirectoryKeys};
constexpr Type kDirectories{.form = Form::list, .item = &kDirectory, .same = Same::key, .key = "path"};
constexpr std::array kLinkKeys{
    Key{"path", &kText},   Key{"overwrite", &kFlag}, Key{"user", &kOwner},
    Key{"group", &kOwner}, Key{"target", &kText},    Key{"hard", &kFlag},
};
constexpr Type kLink{.form = Form::object, .keys = kLinkKeys};
constexpr Type kLinks{.form = Form::list, .item = &kLink, .same = Same::key, .key = "path"};

constexpr std::array kTangKeys{Key{"url", &kText}, Key{"thumbprint", &kText}, Key{"advertisement", &kText, 4}};
constexpr Type kTang{.form = Form::object, .keys = kTangKeys};
constexpr Type kTangs{.form = Form::list, .item = &kTang, .same = Same::key, .key = "url"};
constexpr std::array kPinKeys{Key{"pin", &kText}, Key{"config", &kText}, Key{"needsNetwork", &kFlag}};
constexpr Type kPin{.form = Form::object, .keys = kPinKeys};
constexpr std::array kClevisKeys{
    Key{"tang", &kTangs},
    Key{"tpm2", &kFlag},
    Key{"threshold", &kNumber},
    Key{"custom", &kPin},
};
constexpr Type kClevis{.form = Form::object, .keys = kClevisKeys};
constexpr std::array kCexKeys{Key{"enabled", &kFlag}};
constexpr Type kCex{.form = Form::object, .keys = kCexKeys};
constexpr std::array kLuksKeys{
    Key{"name", &kText},       Key{"device", &kText},   Key{"keyFile", &kResource}, Key{"label", &kText},
    Key{"uuid", &kText},       Key{"options", &kWords}, Key{"discard", &kFlag, 4},  Key{"openOptions", &kTexts, 4},
    Key{"wipeVolume", &kFlag}, Key{"clevis", &kClevis}, Key{"cex", &kCex, 5},
};
constexpr Type kLuks{.form = Form::object, .keys = kLuksKeys};
constexpr Type kLuksList{.form = Form::list, .item = &kLuks, .same = Same::key, .key = "name"};

constexpr Type kTrees{.form = Form::list, .item = &kAnything};

constexpr std::array kStorageKeys{
    Key{"disks", &kDisks},
    Key{"raid", &kRaids},
    Key{"filesystems", &kFileSystems},
    Key{.name = "files", .type = &kFiles, .family = "path"},
    Key{.name = "directories", .type = &kDirectories, .family = "path"},
    Key{.name = "links", .type = &kLinks, .family = "path"},
    Key{"luks", &kLuksList, 2},
    Key{.name = "trees", .type = &kTrees, .only = Only::butane},
};

}  // namespace

constinit const Type kStorage{.form = Form::object, .keys = kStorageKeys};

}  // namespace diatom::ignition::schema
