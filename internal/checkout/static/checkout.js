// The checkout's script. The page is whole without it. It fetches the page's
// main part again when the server says that the order changed and swaps what
// differs, counts the time down, copies, and asks an injected wallet to pay.
// Nothing here makes markup from text.
(() => {
'use strict'
const $ = id => document.getElementById(id)
const main = $('page')
const say = text => { $('say').textContent = text }
let ends = 0, fetching, again, stream, poll, leave

// swap makes the live element a equal to b and leaves alone what is equal
// already, so that focus, selection and running motion survive.
const swap = (a, b) => {
  if (a.isEqualNode(b)) return
  if (a.nodeType != 1 || a.nodeName != b.nodeName || a.id != b.id) return a.replaceWith(b)
  for (const { name } of [...a.attributes]) if (!b.hasAttribute(name)) a.removeAttribute(name)
  for (const { name, value } of [...b.attributes]) if (a.getAttribute(name) != value) a.setAttribute(name, value)
  // The children of this one are the script's own.
  if (a.id == 'wallets') return
  let at = a.firstChild
  const step = () => { const was = at; at = at.nextSibling; return was }
  for (const n of [...b.childNodes]) {
    // What has an id keeps its element; what stood before it is gone.
    const same = n.id && [...a.children].find(c => c.id == n.id)
    while (same && at && at != same) step().remove()
    if (at && (at.id || '') == (n.id || '')) swap(step(), n)
    else a.insertBefore(n, at)
  }
  while (at) step().remove()
}

const refresh = () => {
  if (fetching) { again = true; return }
  fetching = true
  const x = new XMLHttpRequest()
  x.open('GET', main.dataset.part)
  x.responseType = 'document'
  x.onload = () => {
    const fresh = x.status == 200 && x.response && x.response.getElementById('page')
    if (fresh) { swap(main, fresh); setUp() }
  }
  x.onloadend = () => {
    fetching = false
    if (again) { again = false; refresh() }
  }
  x.send()
}

const listen = () => {
  const live = main.dataset.events
  if (!live) { stream && stream.close(); clearInterval(poll); return }
  if (stream) return
  stream = new EventSource(live)
  stream.onmessage = e => { if (e.data != main.dataset.version) refresh() }
  // Closed for good: the order is final, or there are too many streams. Ask now and then instead.
  stream.onerror = () => { if (stream.readyState == 2) { clearInterval(poll); poll = setInterval(refresh, 15000); refresh() } }
}

const tick = () => {
  const t = $('left')
  if (!t) return
  const s = Math.max(0, Math.ceil((ends - performance.now()) / 1000)), two = n => String(n).padStart(2, '0')
  const m = Math.floor(s / 60)
  t.textContent = m < 60 ? m + ':' + two(s % 60) : Math.floor(m / 60) + ':' + two(m % 60) + ':' + two(s % 60)
  if (!s && new Date().getSeconds() % 5 == 0) refresh()
}

// goBack leads to the shop after the seconds the page names, unless the payer stays.
const goBack = () => {
  const box = $('return')
  if (!box || leave) return
  let s = +box.dataset.seconds
  leave = setInterval(() => {
    $('seconds').textContent = --s
    if (s <= 0) { clearInterval(leave); location.assign($('back').href) }
  }, 1000)
}

const copy = async button => {
  const from = $(button.dataset.copy), label = button.querySelector('span')
  try {
    await navigator.clipboard.writeText(from.textContent)
  } catch {
    // Without https there is no clipboard to write to; the selection still works.
    getSelection().selectAllChildren(from)
    if (!document.execCommand('copy')) return
  }
  const before = label.textContent
  if (before == button.dataset.done) return
  say(label.textContent = button.dataset.done)
  button.classList.add('done')
  setTimeout(() => { label.textContent = before; button.classList.remove('done'); say('') }, 2000)
}

// Wallets that announce themselves (EIP-6963), or the one in window.ethereum (EIP-1193).
const wallets = new Map()
const showWallets = () => {
  const box = $('wallets')
  if (!box) return
  const known = wallets.size || !window.ethereum ? wallets : new Map([['', { provider: window.ethereum }]])
  // A payment is sent once; what is still missing after it may be sent again.
  for (const b of box.children) b.disabled = b.sent == box.dataset.value + box.dataset.data
  for (const [id, { info, provider }] of known) {
    if ([...box.children].some(b => b.dataset.id == id)) continue
    const b = document.createElement('button')
    b.type = 'button'
    b.className = 'primary'
    b.dataset.id = id
    b.textContent = box.dataset.label.replace('{name}', info ? info.name : box.dataset.other)
    b.onclick = () => pay(provider, b)
    $('told').before(b)
  }
}
const pay = async (wallet, button) => {
  const ask = (method, params) => wallet.request({ method, params })
  const { chain: chainId, to, value, data, sent, refused, absent } = $('wallets').dataset
  button.disabled = true
  try {
    const [from] = await ask('eth_requestAccounts')
    await ask('wallet_switchEthereumChain', [{ chainId }])
    await ask('eth_sendTransaction', [{ from, to, value, data }])
    button.sent = value + data
    $('told').textContent = sent
  } catch (e) {
    button.disabled = false
    $('told').textContent = e && e.code == 4902 ? absent : refused
  }
}
addEventListener('eip6963:announceProvider', ({ detail }) => {
  if (detail && detail.info && detail.provider) { wallets.set(detail.info.uuid, detail); showWallets() }
})

const setUp = () => {
  ends = performance.now() + main.dataset.left * 1000
  listen()
  goBack()
  if ($('wallets')) { dispatchEvent(new Event('eip6963:requestProvider')); setTimeout(showWallets, 300) }
}

document.addEventListener('click', e => {
  const b = e.target.closest('button')
  if (!b) return
  if (b.dataset.copy) copy(b)
  if (b.id == 'stay') { clearInterval(leave); $('return').remove() }
})
addEventListener('pageshow', e => { if (e.persisted) refresh() })
document.addEventListener('visibilitychange', () => { if (!document.hidden && main.dataset.events) refresh() })
setInterval(tick, 1000)
// Live amounts while the payer chooses.
setInterval(() => { if (main.dataset.picking && !document.hidden) refresh() }, 30000)
setUp()
})()
