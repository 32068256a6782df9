#include <gmock/gmock.h>

#include "engine/testing/fixture.h"
#include "image/tar_writer.h"
#include "image/testing/archives.h"

namespace diatom::engine {
namespace {

using image::testing::collect;
using ::testing::HasSubstr;
using ::testing::Pair;

class StringSink final : public image::ByteSink {
public:
    Result<void> write(std::string_view bytes) override {
        text.append(bytes);
        return {};
    }
    std::string text;
};

std::string archive_of(const std::string& path, std::string_view contents) {
    StringSink sink;
    image::TarWriter tar(sink);
    EXPECT_TRUE(tar.begin({.path = path, .mode = 0640, .uid = 7, .gid = 8, .size = contents.size()}));
    EXPECT_TRUE(tar.data(contents));
    EXPECT_TRUE(tar.end_file());
    EXPECT_TRUE(tar.finish());
    return sink.text;
}

class FilesTest : public testing::EngineTest {
protected:
    Result<std::string> get(const std::string& id, const std::string& path) {
        auto opened = TRY(run(engine().read_archive(id, path)));
        return read_to_end(*opened.reader);
    }
    Result<std::string> exported(const std::string& id) {
        const auto reader = TRY(run(engine().export_container(id)));
        return read_to_end(*reader);
    }
    Result<std::string> read_to_end(ArchiveReader& reader) {
        return run([](ArchiveReader& source) -> Task<std::string> {
            std::string archive;
            for (;;) {
                auto made = co_await source.next();
                const auto piece = CO_TRY(std::move(made));
                EXPECT_LT(piece.size(), 1U << 20U) << "a piece, never the whole";
                if (piece.empty()) co_return archive;
                archive += piece;
            }
        }(reader));
    }
    Result<void> put(const std::string& id, const std::string& path, const std::string& archive,
                     ExtractOptions options = {}) {
        auto file = sys::memory_file("archive", archive, false);
        EXPECT_EQ(::lseek(file->raw(), 0, SEEK_SET), 0);
        return run(engine().write_archive(id, path, std::move(*file), options));
    }
    Result<PathStat> stat(const std::string& id, const std::string& path) { return run(engine().stat_path(id, path)); }
};

TEST_F(FilesTest, GoIntoAStoppedContainerAndComeOutOfIt) {
    const auto id = create({"sh", "-c", "cat /tmp/new; ls -ln /tmp/new"});
    ASSERT_TRUE(put(id, "/tmp", archive_of("new", "hello\n")));
    const auto archive = get(id, "/tmp/new");
    ASSERT_TRUE(archive) << archive.error().what();
    const auto read = collect(*archive);
    EXPECT_THAT(read.contents, ::testing::ElementsAre(Pair("new", "hello\n")));
    EXPECT_EQ(read.entries.at("new").uid, 7U);
    start(id);
    EXPECT_EQ(wait(id), 0);
    EXPECT_THAT(logs(id), HasSubstr("hello\n"));
    EXPECT_THAT(logs(id), HasSubstr("-rw-r-----"));
}

TEST_F(FilesTest, OfARunningContainerWithItsVolumesButWithoutItsProc) {
    ContainerConfig config;
    config.mounts.push_back({.kind = MountKind::volume, .source = "files-test", .target = "/data"});
    const auto id =
        create({"sh", "-c", "echo made > /data/made; while :; do sleep 0.05; test -e /data/go && exit 6; done"},
               std::move(config));
    start(id);
    run_until([&] { return sys::exists(home() + "/root/volumes/files-test/_data/made"); });
    const auto tree = collect(get(id, "/").value_or(""));
    EXPECT_EQ(tree.contents.count("data/made"), 1U);
    EXPECT_EQ(tree.contents.count("data/seed"), 1U) << "copied up from the image";
    EXPECT_EQ(tree.entries.count("proc"), 1U);
    EXPECT_EQ(tree.entries.count("proc/self"), 0U);
    EXPECT_EQ(tree.entries.count("dev/null"), 0U);
    ASSERT_TRUE(put(id, "/data", archive_of("go", "")));
    EXPECT_EQ(wait(id), 6) << "it saw what was copied into the volume";
    const auto after = collect(get(id, "/data/.").value_or(""));
    EXPECT_EQ(after.contents.count("go"), 1U) << "stopped, the volume is visible, too";
}

TEST_F(FilesTest, NoLinkLeadsOutOfTheContainer) {
    const auto id =
        create({"sh", "-c", "ln -s / /tmp/root; ln -s ../../../../../etc /tmp/etc; ln -s nowhere /tmp/none"});
    start(id);
    wait(id);
    const auto read = collect(get(id, "/tmp/etc/passwd").value_or(""));
    EXPECT_THAT(read.contents.at("passwd"), HasSubstr("web:x:1000")) << "the container's, not the host's";
    EXPECT_EQ(stat(id, "/tmp/etc")->link_target, "/etc");
    EXPECT_EQ(stat(id, "/tmp/none")->link_target, "/tmp/nowhere");
    EXPECT_TRUE(S_ISLNK(stat(id, "/tmp/root")->mode));
    EXPECT_TRUE(S_ISDIR(stat(id, "/tmp/root/")->mode));
    ASSERT_TRUE(put(id, "/", archive_of("tmp/root/escaped", "x")));
    EXPECT_FALSE(sys::exists("/escaped"));
    EXPECT_TRUE(stat(id, "/escaped")) << "in the container's root instead";
    EXPECT_FALSE(put(id, "/tmp", archive_of("../up", "x")));
}

TEST_F(FilesTest, PathsAsDockerNamesThem) {
    const auto id = create({"true"});
    EXPECT_EQ(stat(id, "/")->name, "/");
    EXPECT_EQ(stat(id, "etc/")->name, "etc");
    EXPECT_EQ(stat(id, "/etc/.")->name, ".");
    EXPECT_EQ(stat(id, "/tmp/../etc/passwd")->name, "passwd");
    EXPECT_EQ(stat(id, "/nowhere").error().kind(), Kind::not_found);
    EXPECT_EQ(stat(id, "/etc/passwd/").error().kind(), Kind::invalid);
    EXPECT_EQ(put(id, "/nowhere", archive_of("a", "")).error().kind(), Kind::not_found);
    EXPECT_EQ(put(id, "/etc/passwd", archive_of("a", "")).error().kind(), Kind::invalid);
    const auto tree = collect(get(id, "/etc").value_or(""));
    EXPECT_EQ(tree.contents.count("etc/passwd"), 1U);
}

TEST_F(FilesTest, KindsOwnersAndReadOnlyRoots) {
    ContainerConfig config;
    config.user = "web";
    const auto id = create({"true"}, config);
    const auto refused = put(id, "/", archive_of("etc", "a file"), {.keep_kinds = true});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what(), HasSubstr("cannot overwrite directory"));
    ASSERT_TRUE(put(id, "/tmp", archive_of("mine", ""), {.as_user = true}));
    EXPECT_EQ(collect(get(id, "/tmp/mine").value_or("")).entries.at("mine").uid, 1000U);

    config.read_only_root = true;
    const auto sealed = create({"true"}, config);
    EXPECT_EQ(put(sealed, "/tmp", archive_of("a", "")).error().kind(), Kind::denied);
}

TEST_F(FilesTest, AReaderHoldsTheStartBackAndALargeFileComesInPieces) {
    const auto id = create({"sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x > /tmp/large; ls /tmp"});
    start(id);
    wait(id);
    const auto archive = get(id, "/tmp/large");
    ASSERT_TRUE(archive);
    EXPECT_EQ(collect(*archive).contents.at("large"), std::string(3'000'000, 'x'));

    auto reader = run(engine().read_archive(id, "/tmp/large"));
    ASSERT_TRUE(reader);
    bool started = false;
    loop([](Engine& engine, std::string name, bool& done) -> asio::awaitable<void> {
        EXPECT_TRUE(co_await engine.start(name));
        done = true;
    }(engine(), id, started));
    EXPECT_FALSE(started);
    reader->reader.reset();
    run_until([&] { return started; });
    EXPECT_EQ(wait(id), 0);
}

TEST_F(FilesTest, ChangesAreThoseOnTopOfTheImage) {
    ContainerConfig config;
    config.mounts = {{.kind = MountKind::tmpfs, .target = "/tmp"}};
    const auto id =
        create({"sh", "-c",
                "echo new > /root/new; echo more >> /etc/plain; rm /etc/group; rm /data/seed; touch /tmp/x; "
                "cat /etc/passwd"},
               config);
    const auto untouched = run(engine().changes(id));
    ASSERT_TRUE(untouched) << untouched.error().what();
    EXPECT_THAT(*untouched, ::testing::IsEmpty());
    start(id);
    EXPECT_EQ(wait(id), 0);
    const auto changes = run(engine().changes(id));
    ASSERT_TRUE(changes) << changes.error().what();
    using enum ChangeKind;
    EXPECT_THAT(*changes, ::testing::ElementsAre(Change{modified, "/data"}, Change{deleted, "/data/seed"},
                                                 Change{modified, "/etc"}, Change{deleted, "/etc/group"},
                                                 Change{modified, "/etc/plain"}, Change{modified, "/root"},
                                                 Change{added, "/root/new"}));
    EXPECT_EQ(run(engine().changes("nonesuch")).error().kind(), Kind::not_found);
}

TEST_F(FilesTest, AnExportHasWhatTheContainerWroteAndTheImageHas) {
    ContainerConfig config;
    config.mounts = {{.kind = MountKind::volume, .target = "/data"}};
    const auto id =
        create({"sh", "-c", "echo fresh > /tmp/made; rm /etc/plain; echo hidden > /data/inside; sleep 1000"}, config);
    start(id);
    run_until([&] { return stat(id, "/data/inside").has_value(); });
    const auto running = exported(id);
    ASSERT_TRUE(run(engine().kill(id, "KILL")));
    wait(id);
    const auto stopped = exported(id);
    for (const auto* archive : {&running, &stopped}) {
        ASSERT_TRUE(*archive) << archive->error().what();
        EXPECT_EQ((*archive)->size() % 512, 0U);
        const auto tree = collect(**archive);
        for (const char* there : {"bin/busybox", "etc/passwd", "tmp/made", "data"})
            EXPECT_TRUE(tree.entries.contains(there)) << there;
        EXPECT_EQ(tree.contents.at("tmp/made"), "fresh\n");
        for (const char* absent : {"", "etc/plain", "data/inside", "proc/self"})
            EXPECT_FALSE(tree.entries.contains(absent)) << absent;
    }
    EXPECT_TRUE(run(engine().remove(id, {.volumes = true})));
    EXPECT_EQ(exported(id).error().kind(), Kind::not_found);
}

}  // namespace
}  // namespace diatom::engine
