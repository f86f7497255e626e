"use strict";
// Every word of the page, Chinese first. The key "event" words name what the box tells the callback.
const WORDS = {
  zh: {
    title: "微信盒子", subtitle: "本机上的微信，谁也不会真的收到", newName: "名字", newPhone: "手机号（可不填）",
    addPerson: "添一位", account: "公众号", followed: "已关注", notFollowed: "未关注", send: "发送",
    sayHint: "发消息…", phone: "手机", follow: "关注", unfollow: "取消关注", scan: "扫码", scanPicture: "扫图片",
    click: "点菜单", menuHint: "菜单的 key，如 STORES", locate: "发位置", placeHint: "纬度, 经度",
    miniProgram: "小程序", login: "打开（取登录码）", phoneCode: "取手机号码", deliveries: "推送与通知",
    noCodes: "还没有二维码", waiting: "待付款", pay: "付款", paid: "已付款", refunded: "有退款", closed: "已关闭",
    again: "再发", nobody: "先在左边添一位顾客", noChat: "还没有消息", noOrders: "没有订单", quiet: "还没有推送",
    loginCode: "wx.login 的 code，五分钟内用一次：", phoneToken: "手机号 code，五分钟内用一次：",
    opened: "小程序打开了：", card: "她看到公众号名片。点“关注”，就算从这个码来的。", payDone: "付好了 ",
    done: "已收下", due: "等着再发", sending: "发送中", failed: "失败", dropped: "被故障吞掉", no_callback: "没有回调地址",
    tries: "次", customer: "客服消息", lost: "盒子没有回应", unread: "认不出这张图",
  },
  en: {
    title: "WeChat in a box", subtitle: "WeChat on this machine; nobody really gets anything", newName: "Name",
    newPhone: "Phone (optional)", addPerson: "Add", account: "Official account", followed: "following",
    notFollowed: "not following", send: "Send", sayHint: "Say something…", phone: "Phone", follow: "Follow",
    unfollow: "Unfollow", scan: "Scan", scanPicture: "Scan a picture", click: "Tap menu", menuHint: "Menu key, e.g. STORES",
    locate: "Send place", placeHint: "lat, lng", miniProgram: "Mini-program", login: "Open (login code)",
    phoneCode: "Phone code", deliveries: "Pushes and notices", noCodes: "no codes yet", waiting: "to pay", pay: "Pay",
    paid: "paid", refunded: "refunded", closed: "closed", again: "again", nobody: "Add a shopper on the left first",
    noChat: "No messages yet", noOrders: "No orders", quiet: "Nothing pushed yet",
    loginCode: "wx.login code, once, within five minutes: ", phoneToken: "Phone code, once, within five minutes: ",
    opened: "The mini-program opened: ", card: "She sees the account's card. Follow now counts for this code.",
    payDone: "Paid ", done: "taken", due: "waits for another try", sending: "under way", failed: "failed",
    dropped: "swallowed by a fault", no_callback: "no callback address", tries: "tries", customer: "customer message",
    lost: "The box does not answer", unread: "This picture is no code of the box",
  },
};
const asked = new URLSearchParams(location.search).get("lang") || (navigator.languages || [navigator.language])[0] || "zh";
const LANGUAGE = asked.toLowerCase().startsWith("en") ? "en" : "zh";
const word = (name) => WORDS[LANGUAGE][name] ?? name;
