#include "image/store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>

#include "image/testing/store_fixture.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "tests/support/fd_leak.h"

namespace diatom::image {
namespace {

using testing::make_image;
using testing::one_file_layer;

class StoreTest : public testing::StoreFixture {
protected:
    ImageRecord add(const testing::TestImage& image, const std::string& tag = "") {
        for (const auto& layer : image.layers) EXPECT_TRUE(unpack(layer));
        const auto id = Digest::of(image.config);
        EXPECT_TRUE(store_->put_blob(id, image.config));
        auto added = store_->add_image(id, {}, tag, "");
        EXPECT_TRUE(added) << added.error().what();
        return added.value_or(ImageRecord{});
    }
};

TEST_F(StoreTest, ABlobIsVerifiedAndVisibleAtOnce) {
    const std::string bytes(100'000, 'b');
    auto blob = *receive(bytes);
    EXPECT_FALSE(*store_->has_blob(Digest::of(bytes)));
    ASSERT_TRUE(IncomingBlob::commit(blob));
    EXPECT_EQ(*store_->read_blob(Digest::of(bytes), 1U << 20U), bytes);

    const Descriptor wrong{.digest = Digest::of("right"), .size = 5};
    blob = *store_->receive_blob(wrong);
    ASSERT_TRUE(blob->write(0, "wrong"));
    EXPECT_EQ(IncomingBlob::commit(blob).error().kind(), Kind::corrupt);
    EXPECT_FALSE(*store_->has_blob(wrong.digest));
    blob.reset();
    EXPECT_EQ((*store_->receive_blob(wrong))->inherited(), 0U);
}

class PartialTest : public StoreTest {
protected:
    static Descriptor descriptor(const std::string& bytes) {
        return {.digest = Digest::of(bytes), .size = bytes.size()};
    }
    std::string partial(const std::string& bytes) const {
        return std::format("{}/ingest/sha256-{}.part", root(), Digest::of(bytes).hex());
    }
    std::shared_ptr<IncomingBlob> begin(const std::string& bytes) {
        auto blob = store_->receive_blob(descriptor(bytes));
        EXPECT_TRUE(blob) << blob.error().what();
        EXPECT_TRUE((*blob)->write(0, bytes.substr(0, 1)));
        return std::move(*blob);
    }
    void age(const std::string& path, std::chrono::seconds by) {
        const timespec then{.tv_sec = sys::wall_ns() / 1'000'000'000 - by.count(), .tv_nsec = 0};
        const timespec times[2] = {then, then};
        EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    }
};

TEST_F(PartialTest, ExpiresADayAfterItsLastByte) {
    begin("old");
    begin("young");
    age(partial("old"), std::chrono::hours(25));
    age(partial("young"), std::chrono::hours(23));
    ASSERT_TRUE(store_->collect(Leftovers::keep_a_day));
    EXPECT_FALSE(sys::exists(partial("old")));
    EXPECT_TRUE(sys::exists(partial("young")));
    age(partial("young"), std::chrono::hours(25));
    ASSERT_TRUE(store_->recover({}));
    EXPECT_FALSE(sys::exists(partial("young")));
}

TEST_F(PartialTest, IsLeftAloneWhileSomebodyWritesIt) {
    const std::string bytes = "slow";
    auto blob = begin(bytes);
    age(partial(bytes), std::chrono::hours(25));
    ASSERT_TRUE(store_->collect(Leftovers::remove));
    EXPECT_EQ(store_->receive_blob(descriptor(bytes)).error().kind(), Kind::conflict);
    ASSERT_TRUE(blob->write(1, bytes.substr(1)));
    ASSERT_TRUE(IncomingBlob::commit(blob));
    EXPECT_TRUE(*store_->has_blob(Digest::of(bytes)));
}

TEST_F(PartialTest, GoesWhenSomebodyCleansUp) {
    begin("young");
    ASSERT_TRUE(store_->collect(Leftovers::remove));
    EXPECT_FALSE(sys::exists(partial("young")));
}

TEST_F(StoreTest, FindsTagsAndRemovesImages) {
    const auto shared = one_file_layer("base", "b");
    const auto first = add(make_image({shared, one_file_layer("one", "1")}), "docker.io/library/one:latest");
    const auto second = add(make_image({shared, one_file_layer("two", "2")}), "docker.io/library/two:latest");
    for (const auto& name : {std::string("one"), std::string("docker.io/library/one:latest"), first.id.text(),
                             std::string(first.id.hex().substr(0, 12))}) {
        const auto found = store_->find(name);
        ASSERT_TRUE(found) << name;
        EXPECT_EQ(found->id, first.id);
    }
    for (const auto* name : {"absent", "sha256:", "", "one:v2"})
        EXPECT_EQ(store_->find(name).error().kind(), Kind::not_found) << name;

    ASSERT_TRUE(store_->tag(first.id, *Reference::parse("uno:v1")));
    auto removed = store_->remove("uno:v1", false, {});
    ASSERT_TRUE(removed);
    EXPECT_EQ(removed->untagged, std::vector<std::string>{"uno:v1"});
    EXPECT_TRUE(removed->deleted.empty());

    EXPECT_EQ(store_->remove("one", false, {first.id}).error().kind(), Kind::conflict);
    removed = store_->remove("one", false, {});
    ASSERT_TRUE(removed) << removed.error().what();
    EXPECT_THAT(removed->deleted, ::testing::Contains(first.id.text()));
    EXPECT_TRUE(*store_->has_layer(Digest::of(shared)));
    EXPECT_FALSE(*store_->has_layer(Digest::of(one_file_layer("one", "1"))));
    ASSERT_TRUE(store_->remove(second.id.text(), false, {}));
    EXPECT_TRUE(sys::list_dir(root() + "/layers")->empty());
    EXPECT_TRUE(store_->list()->empty());
}

TEST_F(StoreTest, TheLastTagOfARepositoryTakesItsDigestsAlong) {
    const auto digest = "@sha256:" + std::string(64, 'a');
    const auto image = add(make_image({one_file_layer("one", "1")}), "docker.io/library/one:latest");
    for (const auto* repository : {"one.example/a", "two.example/a"})
        ASSERT_TRUE(store_->add_image(image.id, {}, std::string(repository) + ":v1", repository + digest));
    ASSERT_TRUE(store_->tag(image.id, *Reference::parse("one.example/a:v2")));

    auto removed = store_->remove("one.example/a:v1", false, {});
    ASSERT_TRUE(removed) << removed.error().what();
    EXPECT_EQ(store_->find("one")->repo_digests.size(), 2U) << "v2 is still there";
    removed = store_->remove("one.example/a:v2", false, {});
    ASSERT_TRUE(removed) << removed.error().what();
    EXPECT_EQ(removed->untagged, (std::vector<std::string>{"one.example/a:v2", "one.example/a" + digest}));
    EXPECT_EQ(store_->find("one")->repo_digests, std::vector<std::string>{"two.example/a" + digest});
}

TEST_F(StoreTest, ARootListsEveryLayerOnce) {
    const auto a = one_file_layer("a", "1");
    const auto b = one_file_layer("b", "2");
    const auto image = add(make_image({a, b, a}), "docker.io/library/x:latest");
    const auto rootfs = store_->create_rootfs("c1", image.id);
    ASSERT_TRUE(rootfs) << rootfs.error().what();
    EXPECT_EQ(rootfs->lower, (std::vector<std::string>{layer_path(a), layer_path(b)}));
    ASSERT_TRUE(sys::write_file(rootfs->upper + "/new", "12345"));
    EXPECT_EQ(*store_->rootfs_size("c1"), 5U);
    EXPECT_EQ(store_->rootfs("c1")->upper, rootfs->upper);
    ASSERT_TRUE(store_->remove_rootfs("c1"));
    EXPECT_EQ(store_->rootfs("c1").error().kind(), Kind::not_found);
    EXPECT_FALSE(sys::exists(rootfs->directory));
}

TEST_F(StoreTest, AnImageWithoutLayersHasARoot) {
    const auto image = add(make_image({}));
    const auto rootfs = store_->create_rootfs("c1", image.id);
    ASSERT_TRUE(rootfs) << rootfs.error().what();
    ASSERT_EQ(rootfs->lower.size(), 1U);
    EXPECT_TRUE(sys::list_dir(rootfs->lower[0])->empty());
}

TEST_F(StoreTest, RecoversFromEveryHalfState) {
    const auto image = add(make_image({one_file_layer("a", "1")}), "docker.io/library/x:latest");
    ASSERT_TRUE(store_->create_rootfs("kept", image.id));
    ASSERT_TRUE(store_->create_rootfs("lost", image.id));
    store_.reset();
    const auto orphan = std::string(64, 'e');
    for (const auto& path : {"/ingest/layer-half/fs", "/rootfs/half/upper"}) ASSERT_TRUE(sys::make_dirs(root() + path));
    ASSERT_TRUE(sys::make_dirs(root() + "/layers/" + orphan + "/fs"));
    ASSERT_TRUE(sys::write_file(root() + "/blobs/sha256/" + orphan, "orphan"));
    ASSERT_TRUE(sys::write_file(root() + "/ingest/sha256-" + orphan + ".part", "resumable"));

    store_ = *Store::open(root());
    const auto recovered = store_->recover({{"kept", {}}});
    ASSERT_TRUE(recovered) << recovered.error().what();
    EXPECT_FALSE(sys::exists(root() + "/ingest/layer-half"));
    EXPECT_TRUE(sys::exists(root() + "/ingest/sha256-" + orphan + ".part"));
    EXPECT_FALSE(sys::exists(root() + "/layers/" + orphan));
    EXPECT_FALSE(sys::exists(root() + "/blobs/sha256/" + orphan));
    EXPECT_FALSE(sys::exists(root() + "/rootfs/half"));
    EXPECT_FALSE(store_->rootfs("lost"));
    EXPECT_TRUE(store_->rootfs("kept"));
    EXPECT_EQ(store_->find("x")->id, image.id);
}

}  // namespace
}  // namespace diatom::image
