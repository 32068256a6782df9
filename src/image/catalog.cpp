#include "image/catalog.h"

namespace diatom::image {
namespace {

using Commits = db::Database::Commits;

constexpr std::string_view kSchema = R"(
CREATE TABLE layer (diff_id TEXT PRIMARY KEY, size INTEGER NOT NULL);
CREATE TABLE image (id TEXT PRIMARY KEY, manifest TEXT NOT NULL, config TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE image_layer (image TEXT NOT NULL REFERENCES image(id) ON DELETE CASCADE, position INTEGER NOT NULL,
                          diff_id TEXT NOT NULL, PRIMARY KEY (image, position));
CREATE TABLE name (name TEXT PRIMARY KEY, kind TEXT NOT NULL, image TEXT NOT NULL REFERENCES image(id) ON DELETE CASCADE);
CREATE TABLE rootfs (container TEXT PRIMARY KEY, image TEXT NOT NULL);
CREATE TABLE rootfs_layer (container TEXT NOT NULL REFERENCES rootfs(container) ON DELETE CASCADE, position INTEGER NOT NULL,
                           diff_id TEXT NOT NULL, PRIMARY KEY (container, position));
CREATE INDEX image_layer_diff_id ON image_layer (diff_id);
CREATE INDEX rootfs_layer_diff_id ON rootfs_layer (diff_id);
)";
constexpr std::string_view kKeptUntil = "ALTER TABLE layer ADD COLUMN kept_until INTEGER NOT NULL DEFAULT 0";

Result<std::vector<Digest>> digests(Result<std::vector<std::string>> texts) {
    std::vector<Digest> list;
    for (const auto& text : TRY(std::move(texts))) list.push_back(TRY(Digest::parse(text), "in the store's database"));
    return list;
}

}  // namespace

Result<Catalog> Catalog::open(const std::string& path) {
    return Catalog(TRY(db::Database::open(path, {kSchema, kKeptUntil}), "image database"));
}

Result<void> Catalog::run(std::string_view sql, std::initializer_list<std::string_view> values) {
    auto statement = TRY(database_.prepare(sql));
    for (const auto value : values) statement.bind(value);
    return statement.run();
}

Result<std::vector<std::string>> Catalog::texts(std::string_view sql, std::initializer_list<std::string_view> values) {
    auto statement = TRY(database_.prepare(sql));
    for (const auto value : values) statement.bind(value);
    std::vector<std::string> rows;
    while (TRY(statement.step())) rows.push_back(statement.text(0));
    return rows;
}

Result<void> Catalog::add_layer(const LayerRow& layer) {
    const std::lock_guard guard(mutex_);
    TRY(database_.use(Commits::synced));
    auto statement =
        TRY(database_.prepare("INSERT OR REPLACE INTO layer (diff_id, size, kept_until) VALUES (?, ?, ?)"));
    statement.bind(layer.diff_id.text()).bind(static_cast<std::int64_t>(layer.size)).bind(layer.kept_until);
    return statement.run();
}

Result<bool> Catalog::has_layer(const Digest& diff_id) {
    const std::lock_guard guard(mutex_);
    return !TRY(texts("SELECT diff_id FROM layer WHERE diff_id = ?", {diff_id.text()})).empty();
}

Result<std::vector<LayerRow>> Catalog::layers() {
    const std::lock_guard guard(mutex_);
    auto statement = TRY(database_.prepare("SELECT diff_id, size FROM layer"));
    std::vector<LayerRow> rows;
    while (TRY(statement.step()))
        rows.push_back({TRY(Digest::parse(statement.text(0))), static_cast<std::uint64_t>(statement.number(1))});
    return rows;
}

Result<void> Catalog::forget_layer(const Digest& diff_id) {
    const std::lock_guard guard(mutex_);
    TRY(database_.use(Commits::synced));
    return run("DELETE FROM layer WHERE diff_id = ?", {diff_id.text()});
}

Result<std::vector<Digest>> Catalog::unused_layers(std::int64_t now) {
    const std::lock_guard guard(mutex_);
    auto statement = TRY(database_.prepare(
        "SELECT diff_id FROM layer WHERE kept_until <= ? AND diff_id NOT IN (SELECT diff_id FROM image_layer) "
        "AND diff_id NOT IN (SELECT diff_id FROM rootfs_layer)"));
    statement.bind(now);
    std::vector<Digest> unused;
    while (TRY(statement.step())) unused.push_back(TRY(Digest::parse(statement.text(0))));
    return unused;
}

Result<ImageRecord> Catalog::add_image(const NewImage& image) {
    const std::lock_guard guard(mutex_);
    TRY(database_.use(Commits::synced));
    TRY(database_.transaction([&]() -> Result<void> {
        // Two builds of one manifest share the configuration, and so the image.
        auto insert = TRY(database_.prepare(
            "INSERT INTO image (id, manifest, config, created) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET manifest = excluded.manifest WHERE excluded.manifest <> ''"));
        insert.bind(image.id.text()).bind(image.manifest.text()).bind(image.raw_config).bind(image.created);
        TRY(insert.run());
        for (std::size_t i = 0; i < image.diff_ids.size(); ++i) {
            auto layer = TRY(
                database_.prepare("INSERT OR REPLACE INTO image_layer (image, position, diff_id) VALUES (?, ?, ?)"));
            layer.bind(image.id.text()).bind(static_cast<std::int64_t>(i)).bind(image.diff_ids[i].text());
            TRY(layer.run());
            // Once the image goes, so does the layer.
            TRY(run("UPDATE layer SET kept_until = 0 WHERE diff_id = ?", {image.diff_ids[i].text()}));
        }
        const auto name = "INSERT OR REPLACE INTO name (name, kind, image) VALUES (?, ?, ?)";
        if (!image.tag.empty()) TRY(run(name, {image.tag, "tag", image.id.text()}));
        if (!image.repo_digest.empty()) TRY(run(name, {image.repo_digest, "digest", image.id.text()}));
        return {};
    }));
    return read_image(image.id.text());
}

Result<std::set<Digest>> Catalog::image_blobs() {
    const std::lock_guard guard(mutex_);
    const auto found =
        TRY(digests(texts("SELECT id FROM image UNION SELECT manifest FROM image WHERE manifest <> ''", {})));
    return std::set<Digest>(found.begin(), found.end());
}

Result<ImageRecord> Catalog::read_image(const std::string& id) {
    auto statement = TRY(database_.prepare("SELECT manifest, config, created FROM image WHERE id = ?"));
    statement.bind(id);
    if (!TRY(statement.step())) return fail(Kind::not_found, "No such image: {}", id);
    ImageRecord record;
    record.id = TRY(Digest::parse(id));
    if (!statement.text(0).empty()) record.manifest = TRY(Digest::parse(statement.text(0)));
    record.raw_config = statement.text(1);
    record.created = statement.number(2);
    record.config = TRY(ImageConfig::decode(record.raw_config), "image {}", id);
    record.tags = TRY(texts("SELECT name FROM name WHERE image = ? AND kind = 'tag' ORDER BY name", {id}));
    record.repo_digests = TRY(texts("SELECT name FROM name WHERE image = ? AND kind = 'digest' ORDER BY name", {id}));
    auto size = TRY(database_.prepare(
        "SELECT COALESCE(SUM(layer.size), 0) FROM image_layer JOIN layer USING (diff_id) WHERE image = ?"));
    size.bind(id);
    if (TRY(size.step())) record.size = static_cast<std::uint64_t>(size.number(0));
    return record;
}

Result<ImageRecord> Catalog::image(const Digest& id) {
    const std::lock_guard guard(mutex_);
    return read_image(id.text());
}

Result<std::vector<ImageRecord>> Catalog::images() {
    const std::lock_guard guard(mutex_);
    std::vector<ImageRecord> records;
    for (const auto& id : TRY(texts("SELECT id FROM image ORDER BY created DESC, id", {})))
        records.push_back(TRY(read_image(id)));
    return records;
}

Result<bool> Catalog::remove_image(const Removal& removal) {
    const std::lock_guard guard(mutex_);
    TRY(database_.use(Commits::synced));
    const auto& id = removal.id.text();
    bool removed = false;
    TRY(database_.transaction([&]() -> Result<void> {
        const bool used = removal.in_use || !TRY(texts("SELECT container FROM rootfs WHERE image = ?", {id})).empty();
        if (used && !removal.force)
            return fail(Kind::conflict, "image {} is being used by a container", removal.id.hex().substr(0, 12));
        for (const auto& name : removal.names) TRY(run("DELETE FROM name WHERE name = ? AND image = ?", {name, id}));
        if (used || !TRY(texts("SELECT name FROM name WHERE image = ?", {id})).empty()) return {};
        removed = !TRY(texts("SELECT id FROM image WHERE id = ?", {id})).empty();
        return run("DELETE FROM image WHERE id = ?", {id});
    }));
    return removed;
}

Result<void> Catalog::tag(const Digest& id, const std::string& tag) {
    const std::lock_guard guard(mutex_);
    TRY(read_image(id.text()));
    TRY(database_.use(Commits::synced));
    return run("INSERT OR REPLACE INTO name (name, kind, image) VALUES (?, 'tag', ?)", {tag, id.text()});
}

Result<void> Catalog::untag(const std::string& name) {
    const std::lock_guard guard(mutex_);
    TRY(database_.use(Commits::synced));
    return run("DELETE FROM name WHERE name = ?", {name});
}

Result<std::optional<Digest>> Catalog::by_name(const std::string& tag_or_repo_digest) {
    const std::lock_guard guard(mutex_);
    const auto found = TRY(digests(texts("SELECT image FROM name WHERE name = ?", {tag_or_repo_digest})));
    return found.empty() ? std::optional<Digest>() : std::optional(found.front());
}

Result<std::vector<Digest>> Catalog::by_id_prefix(const std::string& hex) {
    const std::lock_guard guard(mutex_);
    return digests(texts("SELECT id FROM image WHERE substr(id, 8, length(?1)) = ?1", {hex}));
}

Result<void> Catalog::check() {
    const std::lock_guard guard(mutex_);
    return database_.check();
}

Result<void> Catalog::add_rootfs(const std::string& container, const Digest& image) {
    const std::lock_guard guard(mutex_);
    TRY(database_.use(Commits::later));
    return database_.transaction([&]() -> Result<void> {
        if (TRY(texts("SELECT id FROM image WHERE id = ?", {image.text()})).empty())
            return fail(Kind::not_found, "No such image: {}", image.text());
        TRY(run("INSERT INTO rootfs (container, image) VALUES (?, ?)", {container, image.text()}));
        return run(
            "INSERT INTO rootfs_layer (container, position, diff_id) SELECT ?, position, diff_id FROM image_layer "
            "WHERE image = ?",
            {container, image.text()});
    });
}

Result<std::optional<Digest>> Catalog::rootfs_image(const std::string& container) {
    const std::lock_guard guard(mutex_);
    const auto found = TRY(digests(texts("SELECT image FROM rootfs WHERE container = ?", {container})));
    return found.empty() ? std::optional<Digest>() : std::optional(found.front());
}

Result<std::vector<Digest>> Catalog::rootfs_layers(const std::string& container) {
    const std::lock_guard guard(mutex_);
    return digests(texts("SELECT diff_id FROM rootfs_layer WHERE container = ? ORDER BY position", {container}));
}

Result<void> Catalog::remove_rootfs(const std::string& container) {
    const std::lock_guard guard(mutex_);
    TRY(database_.use(Commits::later));
    return run("DELETE FROM rootfs WHERE container = ?", {container});
}

Result<std::vector<std::string>> Catalog::rootfs_containers() {
    const std::lock_guard guard(mutex_);
    return texts("SELECT container FROM rootfs", {});
}

}  // namespace diatom::image
